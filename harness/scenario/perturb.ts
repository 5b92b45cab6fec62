import { z } from 'zod';
import { LabError } from '../../src/errors.ts';

/** What makes a timed device model slower on purpose, to see whether a comparison finds it. */
export interface Perturbation {
  /** Turns of an empty loop in the handler that `performance/ladder` times in TypeScript. */
  readonly turns: number;
  /** Scans of all ranges for each request in the C yardstick of `performance/ranges`. */
  readonly scans: number;
}

/** The environment variable that says so. */
export const perturbVariable = 'IOREQLAB_PERTURB';

const count = (max: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/)
    .transform(Number)
    .refine((value) => value <= max)
    .default(0);
const schema = z.strictObject({ turns: count(1_000_000), scans: count(1_000) });

/**
 * Reads `turns=N,scans=N`, in any order, each optional.
 *
 * @throws LabError `PERTURB_INVALID` with blame `usage`
 */
export function parsePerturbation(text: string | undefined): Perturbation {
  const pairs = (text ?? '').split(',').filter((pair) => pair !== '');
  const parsed = schema.safeParse(Object.fromEntries(pairs.map((pair) => [...pair.split('=', 2), ''])));
  if (parsed.success) return parsed.data;
  throw new LabError(`${perturbVariable} is '${text}'`, {
    blame: 'usage',
    code: 'PERTURB_INVALID',
    next: `${perturbVariable}=turns=100 or scans=1, or both with a comma between`,
  });
}
