import { LabError } from '../../src/errors.ts';
import { HARMS, type Harm } from '../scenario/harm.ts';

/** `--harms`, of the commands that select scenarios. */
export const harmsOption = {
  type: 'string',
  requiresArg: true,
  describe: 'what scenarios may take along at most: none, guest, dom0, host; to run: guest, unless named by id',
} as const;

/** @throws LabError `USAGE` */
export function parseHarm(text: string): Harm {
  const harm = HARMS.find((one) => one === text);
  if (harm !== undefined) return harm;
  throw new LabError(`--harms takes one of ${HARMS.join(', ')}, not ${JSON.stringify(text)}`, {
    blame: 'usage',
    code: 'USAGE',
    next: 'ioreqlab run --help',
  });
}
