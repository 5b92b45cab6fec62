import { expect, type ScenarioFixtures, type Sampled, type SampledOperation } from 'ioreqlab/scenario';

/** Long enough to cover the way through guest and Xen, in TSC cycles; a clock does not stop when the host is busy. */
export const spinCycles = { exact: 200_000, wall: 5_000_000, none: 0 } as const;

/** How a rung of a ladder is climbed: one access again and again, each with its own time stamps, all of them recorded. */
export type Climb = (rung: string, op: (choose: typeof Sampled) => SampledOperation, warmup: number) => Promise<void>;

/**
 * A way to climb.
 *
 * @param ladder the metrics' first word
 * @param count samples of each rung
 */
export function climber(
  { guest, record }: Pick<ScenarioFixtures, 'guest' | 'record'>,
  ladder: string,
  count: number,
): Climb {
  return async (rung, op, warmup) => {
    const { results } = await guest.run((program) => program.sample({ warmup, count }, op));
    const samples = results[0]?.samples ?? new Uint32Array();
    expect(results[0]?.fault).toBeUndefined();
    expect(samples.length).toBe(count);
    await record(`${ladder}.${rung}`, samples);
  };
}
