import {
  expect,
  splitRoundTrips,
  type ClockOffset,
  type OperationResult,
  type Sampled,
  type SampledOperation,
  type ScenarioFixtures,
  type Waiting,
} from 'ioreqlab/scenario';

type Timing = ScenarioFixtures['host']['timing'];

/** Long enough to cover the way through guest and Xen, in TSC cycles; a clock does not stop when the host is busy. */
export const spinCycles = { exact: 200_000, wall: 5_000_000, none: 0 } as const;

/** How a device model waits, by the end of its rung's name: `ts`, `ts-spin`, `ts-adaptive`. */
export const waitings = (timing: Timing): Record<'' | '-adaptive' | '-spin', Waiting> => ({
  '': { mode: 'block' },
  '-adaptive': { mode: 'adaptive', cycles: spinCycles[timing] },
  '-spin': { mode: 'spin', cycles: spinCycles[timing] },
});

/**
 * Has JavaScript's compiler do its work on a server before anything is timed: it takes its samples from many requests,
 * cheaply while the server spins, and compiles in a thread beside, which gets the processor when the server blocks.
 */
export async function warmUp(
  { host, guest, deviceModel }: Pick<ScenarioFixtures, 'host' | 'guest' | 'deviceModel'>,
  server: string,
  ...ops: readonly Climb['op'][]
): Promise<void> {
  const ways = waitings(host.timing);
  for (const [waiting, warmup] of [
    [ways['-spin'], 10_000], // after 6 600 it was done
    [ways[''], 500],
  ] as const) {
    await deviceModel.setWaiting(waiting, server);
    await guest.run((program) => {
      for (const op of ops) program.sample({ warmup, count: 1 }, op);
      return program;
    });
  }
}

/** How a rung is climbed: one access again and again, each with its own time stamps, all of them recorded. */
export interface Climb {
  /** The rung's name: the metric is `<ladder>.<rung>`. */
  readonly rung: string;
  readonly op: (choose: typeof Sampled) => SampledOperation;
  /** Turns before those that count. */
  readonly warmup: number;
  /** The server that answers: then `split.<rung>.out`, `.device-model` and `.in` say where the time went. */
  readonly split?: string | undefined;
}

/** Climbs rungs of one ladder. */
export class Climber {
  readonly #fixtures: Pick<ScenarioFixtures, 'guest' | 'record' | 'deviceModel'>;
  readonly #ladder: string;
  readonly #count: number;
  #clock: ClockOffset | undefined;

  /**
   * @param ladder the metrics' first word
   * @param count samples of each rung
   */
  constructor(fixtures: Pick<ScenarioFixtures, 'guest' | 'record' | 'deviceModel'>, ladder: string, count: number) {
    this.#fixtures = fixtures;
    this.#ladder = ladder;
    this.#count = count;
  }

  async climb({ rung, op, warmup, split }: Climb): Promise<void> {
    const { guest, record } = this.#fixtures;
    const count = this.#count;
    const stamps = split !== undefined;
    const { results } = await guest.run((program) => program.sample({ warmup, count, stamps }, op));
    const [seen] = results;
    expect(seen?.fault).toBeUndefined();
    expect(seen?.samples).toHaveLength(count);
    await record(`${this.#ladder}.${rung}`, seen?.samples ?? new Uint32Array());
    if (split !== undefined) await this.#split(rung, split, seen);
  }

  async #split(rung: string, server: string, seen: OperationResult | undefined): Promise<void> {
    const { guest, deviceModel, record } = this.#fixtures;
    this.#clock ??= await guest.clockOffset();
    const parts = splitRoundTrips(seen, await deviceModel.trace(server, this.#count), this.#clock);
    await record(`split.${rung}.out`, parts.out);
    await record(`split.${rung}.device-model`, parts.deviceModel);
    await record(`split.${rung}.in`, parts.in);
  }
}
