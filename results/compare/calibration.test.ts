/**
 * Whether comparisons can be trusted, on made-up runs whose truth is known: how often they cry wolf, and what they find.
 */
import { describe, expect, test, vi } from 'vitest';
import { measuredRuns, type Medians } from '../fixtures/measured-runs.ts';
import { seededRandom } from '../stats/seeded-random.ts';
import { compareSets, type CompareOptions } from './compare-sets.ts';
import type { Comparison } from './comparison.ts';
import { NoiseHistory } from './history.ts';
import { measuredSets, type MeasuredSet } from './measured-set.ts';

const alpha = 0.05;
const base: Omit<CompareOptions, 'history'> = { figure: 'p50', alpha, confidence: 0.95, force: false };

/** A host that measures nine metrics, most with some noise of their own, as a wall-clock host would. */
class Lab {
  readonly #random: () => number;
  readonly #deviation: number;

  constructor(seed: number, deviation: number) {
    this.#random = seededRandom(seed);
    this.#deviation = deviation;
  }

  /** Of the median 0, by Box and Muller. */
  #normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.#random())) * Math.cos(2 * Math.PI * this.#random());
  }

  run(factors: Medians = {}): Medians {
    // Whatever slows a run slows all of it: metrics of a run are no independent witnesses.
    const common = this.#normal() * this.#deviation;
    return Object.fromEntries(
      Array.from({ length: 9 }, (_, i) => {
        const noise = i === 0 ? 0 : common / 2 + this.#normal() * this.#deviation;
        return [`m${i}`, 10_000 * (i + 1) * (factors[`m${i}`] ?? 1) * Math.exp(noise)];
      }),
    );
  }

  runs(n: number, factors?: Medians): Medians[] {
    return Array.from({ length: n }, () => this.run(factors));
  }
}

const made = { host: { timing: 'wall' }, metric: { unit: 'cycles', kind: 'wall' } } as const;

function setOf(medians: readonly Medians[], hour: number): MeasuredSet {
  const [set] = measuredSets(measuredRuns(medians, { ...made, hour }));
  if (set === undefined) throw new Error('nothing measured');
  return set;
}

function compare(a: readonly Medians[], b: readonly Medians[], history: NoiseHistory): Comparison {
  return compareSets({ label: 'a', set: setOf(a, 10) }, { label: 'b', set: setOf(b, 11) }, { ...base, history });
}

const alarms = ({ counts }: Comparison): number => counts.worse + counts.better + counts.changed;
const none = new NoiseHistory([], 'p50');

// Thousands of comparisons, and a busy machine.
vi.setConfig({ testTimeout: 60_000 });

describe('false alarms', () => {
  // A floor of next to nothing, so that the test has to do all the work.
  test.each([
    [5, 0.005],
    [5, 0.03],
    [8, 0.03],
  ])('%d runs a side that repeat to %d: at most as many comparisons as alpha allows', (n, deviation) => {
    const lab = new Lab(n, deviation);
    const trials = 200;
    let wrong = 0;
    for (let trial = 0; trial < trials; trial += 1) {
      const comparison = compareSets(
        { label: 'a', set: setOf(lab.runs(n), 10) },
        { label: 'b', set: setOf(lab.runs(n), 11) },
        { ...base, history: none, leastFloor: 1e-6 },
      );
      if (alarms(comparison) > 0) wrong += 1;
    }
    // Three standard errors above what is allowed.
    expect(wrong / trials).toBeLessThan(alpha + 3 * Math.sqrt((alpha * (1 - alpha)) / trials));
    // It is not that nothing could ever be found; five runs a side just need more than one witness.
    if (n > 5) expect(wrong).toBeGreaterThan(0);
  });

  test('40 runs of the same thing, parted in every way that a series would be, give none', () => {
    const lab = new Lab(40, 0.01);
    const history = new NoiseHistory([setOf(lab.runs(40), 8)], 'p50');
    const runs = lab.runs(40);
    const halves = [
      [runs.slice(0, 20), runs.slice(20)],
      [runs.filter((_, i) => i % 2 === 0), runs.filter((_, i) => i % 2 === 1)],
      [runs.filter((_, i) => i % 4 === 0 || i % 4 === 3), runs.filter((_, i) => i % 4 === 1 || i % 4 === 2)],
    ] as const;
    for (const [a, b] of halves) expect(alarms(compare(a, b, history))).toBe(0);
    for (let at = 0; at + 10 <= 40; at += 5) {
      expect(alarms(compare(runs.slice(at, at + 5), runs.slice(at + 5, at + 10), history))).toBe(0);
    }
  });
});

describe('what is found', () => {
  test.each([
    { n: 5, deviation: 0.001, slower: 1.02, least: 0.95, trials: 100 },
    { n: 10, deviation: 0.01, slower: 1.05, least: 0.9, trials: 50 },
    { n: 20, deviation: 0.01, slower: 1.03, least: 0.9, trials: 30 },
  ])('$slower times with $n runs a side that repeat to $deviation', ({ n, deviation, slower, least, trials }) => {
    const lab = new Lab(n + 1, deviation);
    let found = 0;
    let wrong = 0;
    for (let trial = 0; trial < trials; trial += 1) {
      const { metrics } = compare(lab.runs(n), lab.runs(n, { m4: slower }), none);
      if (metrics.find(({ metric }) => metric === 'm4')?.verdict === 'worse') found += 1;
      if (metrics.some(({ metric, verdict }) => metric !== 'm4' && ['worse', 'better'].includes(verdict))) wrong += 1;
    }
    expect(found / trials).toBeGreaterThanOrEqual(least);
    expect(wrong / trials).toBeLessThanOrEqual(0.12);
  });

  test('as many runs as were asked for decide, mostly', () => {
    const lab = new Lab(99, 0.02);
    let [asked, decided] = [0, 0];
    for (let trial = 0; trial < 60; trial += 1) {
      const slower = { m4: 1.06 };
      const first = compare(lab.runs(5), lab.runs(5, slower), none).metrics.find(({ metric }) => metric === 'm4');
      if (first?.verdict !== 'undecided' || first.moreRuns === undefined || first.moreRuns > 60) continue;
      asked += 1;
      const n = 5 + first.moreRuns;
      const second = compare(lab.runs(n), lab.runs(n, slower), none).metrics.find(({ metric }) => metric === 'm4');
      if (second?.verdict === 'worse') decided += 1;
    }
    expect(asked).toBeGreaterThan(15);
    expect(decided / asked).toBeGreaterThan(0.6);
  });
});
