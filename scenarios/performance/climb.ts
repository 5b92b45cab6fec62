import {
  expect,
  splitRoundTrips,
  type ClockOffset,
  type OperationResult,
  type ProgramBuilder,
  type Sampled,
  type SampledOperation,
  type ScenarioFixtures,
  type Waiting,
} from 'ioreqlab/scenario';

type Timing = ScenarioFixtures['host']['timing'];
type Fixtures = Pick<ScenarioFixtures, 'host' | 'guest' | 'deviceModel' | 'record'>;

/** Long enough to cover the way through guest and Xen, in TSC cycles; a clock does not stop when the host is busy. */
export const spinCycles = { exact: 200_000, wall: 5_000_000, none: 0 } as const;

/**
 * Samples of one metric. In exact timing nearly every round trip is like the next; but dom0 has another way in and out of
 * idleness now and then, for a millisecond at a time, which is 25 blocking round trips: the median is to be of many such.
 */
export const sampleCount = { exact: 500, wall: 5_000, none: 1 } as const;
/** The same while the device model spins, or nobody in dom0 is asked. */
const spinningCount = { exact: 200, wall: 5_000, none: 1 } as const;

/**
 * Requests until JavaScript's compiler has done its work: after 6600 it was done. A device that comes to a worker of
 * another one makes it begin anew, since what it had assumed of the handlers no longer holds.
 */
const compilersRequests = 10_000;
/** The same for the yardstick in C, and where the compiler's work does not count. */
export const fewRequests = 500;

/** Turns before those that count. */
const warmup = 20;

/** How a device model waits, by the end of its rung's name: `ts`, `ts-adaptive`, `ts-spin`. */
export const waitings = (timing: Timing): Record<'' | '-adaptive' | '-spin', Waiting> => ({
  '': { mode: 'block' },
  '-adaptive': { mode: 'adaptive', cycles: spinCycles[timing] },
  '-spin': { mode: 'spin', cycles: spinCycles[timing] },
});

/** An access that the guest samples. */
export type Access = (choose: typeof Sampled) => SampledOperation;

/**
 * Has JavaScript's compiler do its work on a server before anything is timed: it takes its samples from many requests,
 * cheaply while the server spins, and compiles in a thread beside, which gets the processor when the server blocks.
 *
 * @param requests how many in all, of each of the accesses alike
 */
export async function warmUp(
  { host, guest, deviceModel }: Omit<Fixtures, 'record'>,
  server: string,
  accesses: readonly Access[],
  requests = compilersRequests,
): Promise<void> {
  const ways = waitings(host.timing);
  const turns = [
    [ways['-spin'], Math.ceil(requests / accesses.length)],
    [ways[''], Math.ceil(requests / 10 / accesses.length)],
  ] as const;
  for (const [waiting, count] of turns) {
    await deviceModel.setWaiting(waiting, server);
    await guest.run((program) => {
      for (const access of accesses) program.sample({ warmup: count, count: 1 }, access);
      return program;
    });
  }
}

/**
 * Times accesses to a server for some of the ways in which it can wait: each access the metric `<topic>.<access><rung>`,
 * where the rung is `ts`, `ts-spin` and so on.
 *
 * @param rung `ts` or `c`
 */
export async function timeServer(
  { host, guest, deviceModel, record }: Fixtures,
  { topic, rung, server = rung, ways = ['', '-spin'], accesses }: TimedServer,
): Promise<void> {
  for (const way of ways) {
    await deviceModel.setWaiting(waitings(host.timing)[way], server);
    const isQuick = way !== '';
    await timeAccesses({ host, guest, record }, { topic, rung: `${rung}${way}`, accesses, isQuick });
  }
}

/** What {@link timeServer} times. */
export interface TimedServer {
  readonly topic: string;
  readonly rung: 'ts' | 'c' | `ts-${string}` | `c-${string}`;
  /** Default: its rung's name. */
  readonly server?: string;
  readonly ways?: readonly ('' | '-adaptive' | '-spin')[];
  /** By name; the empty name when there is only one. */
  readonly accesses: Readonly<Record<string, Access>>;
}

/** The same for whoever answers. `isQuick`: every round trip is alike, fewer will do. */
export async function timeAccesses(
  { host, guest, record }: Omit<Fixtures, 'deviceModel'>,
  {
    topic,
    rung,
    accesses,
    isQuick = false,
  }: Pick<TimedServer, 'topic' | 'accesses'> & { readonly rung: string; readonly isQuick?: boolean },
): Promise<void> {
  const count = (isQuick ? spinningCount : sampleCount)[host.timing];
  const { results } = await guest.run((program) => {
    for (const access of Object.values(accesses)) program.sample({ warmup, count }, access);
    return program;
  });
  for (const [i, name] of Object.keys(accesses).entries()) {
    const seen = results[i];
    expect(seen?.fault).toBeUndefined();
    expect(seen?.samples).toHaveLength(count);
    await record([topic, name, rung].filter(Boolean).join('.'), seen?.samples ?? new Uint32Array());
  }
}

/**
 * Times operations that no sampler has: each so many times in one program, by the time stamps of its own. They have some
 * instructions more between them than those of a sampler.
 *
 * @param operations by the metric's name
 */
export async function timeOperations(
  { guest, record }: Pick<Fixtures, 'guest' | 'record'>,
  count: number,
  operations: Readonly<Record<string, (program: ProgramBuilder) => ProgramBuilder>>,
): Promise<void> {
  for (const [metric, add] of Object.entries(operations)) {
    const { results } = await guest.run((program) => {
      for (let i = 0; i < count + 2; i++) add(program);
      return program;
    });
    expect(results.every(({ fault }) => fault === undefined)).toBe(true);
    await record(
      metric,
      Uint32Array.from(results.slice(2), ({ cycles }) => cycles),
    );
  }
}

/** How a rung is climbed: one access again and again, each with its own time stamps, all of them recorded. */
export interface Climb {
  /** The rung's name: the metric is `<ladder>.<rung>`. */
  readonly rung: string;
  readonly op: Access;
  /** Turns before those that count. */
  readonly warmup: number;
  /** The server that answers: then `split.<rung>.out`, `.device-model` and `.in` say where the time went. */
  readonly split?: string | undefined;
}

/** Climbs rungs of one ladder. */
export class Climber {
  readonly #fixtures: Omit<Fixtures, 'host'>;
  readonly #ladder: string;
  readonly #count: number;
  #clock: ClockOffset | undefined;

  /**
   * @param ladder the metrics' first word
   * @param count samples of each rung
   */
  constructor(fixtures: Omit<Fixtures, 'host'>, ladder: string, count: number) {
    this.#fixtures = fixtures;
    this.#ladder = ladder;
    this.#count = count;
  }

  async climb({ rung, op, warmup: turns, split }: Climb): Promise<void> {
    const { guest, record } = this.#fixtures;
    const count = this.#count;
    const stamps = split !== undefined;
    const { results } = await guest.run((program) => program.sample({ warmup: turns, count, stamps }, op));
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
