import type { Timing } from '../run-schema.ts';
import { noiseFloor } from '../stats/noise-floor.ts';
import type { Figure, NoiseFloor } from './comparison.ts';
import type { MeasuredSet } from './measured-set.ts';

/** What is never taken for more than noise. Exact medians repeat within 0.1 %, and perf.rust-lang.org assumes 0.2 %. */
export const LEAST_FLOOR: Readonly<Record<Timing, number>> = { exact: 0.002, wall: 0.01 };

/** Changes that are looked at, the newest ones. */
const MOST = 60;

/** The relative changes between measurements of the same thing, oldest first, by host, kind of time and metric. */
export class NoiseHistory {
  readonly #changes = new Map<string, number[]>();

  /**
   * @param sets what was measured before: never the runs that are compared, whose differences must not decide how much a
   * difference has to be
   */
  constructor(sets: readonly MeasuredSet[], figure: Figure) {
    for (const { host, kind, environments, metrics } of sets) {
      // Only neighbours in the same environment, with the same ioreqlab, are the same thing twice.
      const alike = environments.map((environment) => JSON.stringify([...environment]));
      for (const [text, { values }] of metrics) {
        const changes: number[] = [];
        let last: { value: number; environment: string | undefined } | undefined;
        for (const [i, metric] of values.entries()) {
          const value = metric?.[figure];
          if (value === undefined || !(value > 0)) continue;
          if (last !== undefined && last.environment === alike[i]) changes.push(value / last.value - 1);
          last = { value, environment: alike[i] };
        }
        this.#changes.set(keyOf(host, kind, text), changes.slice(-MOST));
      }
    }
  }

  /** What changes by chance on these hosts, which are the two sides' or one; `least` is assumed in any case. */
  floorOf(hosts: readonly string[], kind: Timing, metric: string, least: number): NoiseFloor {
    const changes = [...new Set(hosts)].flatMap((host) => this.#changes.get(keyOf(host, kind, metric)) ?? []);
    const value = noiseFloor(changes, least);
    return { value, from: value > least ? changes.length : 0 };
  }
}

function keyOf(host: string, kind: Timing, metric: string): string {
  return JSON.stringify([host, kind, metric]);
}
