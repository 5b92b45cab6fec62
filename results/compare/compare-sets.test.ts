import { describe, expect, test } from 'vitest';
import { measuredRuns, type Medians, type MeasuredRuns } from '../fixtures/measured-runs.ts';
import { compareSets, type CompareOptions } from './compare-sets.ts';
import type { Comparison, MetricComparison } from './comparison.ts';
import { NoiseHistory } from './history.ts';
import { measuredSets, type MeasuredSet } from './measured-set.ts';

const noHistory = new NoiseHistory([], 'p50');
const options: CompareOptions = { figure: 'p50', alpha: 0.05, confidence: 0.95, history: noHistory, force: false };

function setOf(medians: readonly Medians[], made?: MeasuredRuns): MeasuredSet {
  const [set] = measuredSets(measuredRuns(medians, made));
  if (set === undefined) throw new Error('nothing measured');
  return set;
}

function compare(a: readonly Medians[], b: readonly Medians[], given: Partial<CompareOptions> = {}): Comparison {
  const [left, right] = [setOf(a), setOf(b, { hour: 11 })];
  return compareSets({ label: 'a', set: left }, { label: 'b', set: right }, { ...options, ...given });
}

const times = <T>(n: number, make: (index: number) => T): T[] => Array.from({ length: n }, (_, index) => make(index));
const verdicts = ({ metrics }: Comparison): Record<string, string> =>
  Object.fromEntries(metrics.map(({ metric, verdict }) => [metric, verdict]));
const only = ({ metrics }: Comparison): MetricComparison => {
  const [metric] = metrics;
  if (metric === undefined) throw new Error('no metric');
  return metric;
};

describe('in exact timing, where most things never change', () => {
  const rungs = { rdtsc: 8, cpuid: 5639, xen: 1570, unclaimed: 2024, 'c-spin': 11_094 };
  const jitter = [40_163, 40_163, 40_189, 40_163, 40_163];

  test('equal constants are the same, without a test and without NaN', () => {
    const comparison = compare(
      times(5, () => rungs),
      times(5, () => rungs),
    );
    expect(comparison.counts).toEqual({ worse: 0, better: 0, changed: 0, undecided: 0, same: 5 });
    for (const { change, p, adjusted, a } of comparison.metrics) {
      expect(change).toMatchObject({ estimate: 0, low: 0, high: 0 });
      expect([p, adjusted]).toEqual([1, undefined]);
      expect(a.median.low).toBe(a.median.high);
    }
  });

  test('1 % more in one of nine is found and named with 5 runs a side', () => {
    const run = (scale: number) => (index: number) => ({
      ...rungs,
      ts: Math.round((jitter[index] ?? 0) * scale),
      c: 40_163 + 7 * index,
      qemu: 54_923 - 11 * index,
      'ts-spin': 11_683 + 26 * (index % 2),
    });
    const comparison = compare(times(5, run(1)), times(5, run(1.01)));
    expect(comparison.counts).toMatchObject({ worse: 1, better: 0, changed: 0 });
    const found = comparison.metrics.find(({ verdict }) => verdict === 'worse');
    expect(found?.metric).toBe('ts');
    expect(found?.change.estimate).toBeCloseTo(0.01, 3);
    expect(found?.adjusted).toBeLessThan(0.02);
    const back = compare(times(5, run(1.01)), times(5, run(1)));
    expect(verdicts(back)['ts']).toBe('better');
  });

  test('two versions that differ in everything are told apart with 5 runs a side, which Holm alone could not', () => {
    const many = (scale: number): Medians => Object.fromEntries(times(80, (i) => [`m${i}`, (1000 + i) * scale]));
    const comparison = compare(
      times(5, () => many(1)),
      times(5, () => many(1.08)),
    );
    expect(comparison.counts.worse).toBe(80);
    expect(Math.min(...comparison.metrics.map(({ holm }) => holm ?? 0))).toBeGreaterThan(0.5);
  });

  test('with too few runs nothing is decided, and it is said how many would do', () => {
    const comparison = compare([{ ts: 40_000 }], [{ ts: 41_000 }]);
    expect(only(comparison)).toMatchObject({ verdict: 'undecided', moreRuns: 3, p: 1 });
    const enough = compare(
      times(4, () => ({ ts: 40_000 })),
      times(4, () => ({ ts: 41_000 })),
    );
    expect(only(enough).verdict).toBe('worse');
  });

  test('what the floor covers is the same, however sure', () => {
    const comparison = compare(
      times(20, () => ({ ts: 40_000 })),
      times(20, () => ({ ts: 40_060 })),
    );
    expect(only(comparison)).toMatchObject({ verdict: 'same', floor: { value: 0.002, from: 0 } });
    const finer = compare(
      times(20, () => ({ ts: 40_000 })),
      times(20, () => ({ ts: 40_060 })),
      { leastFloor: 0.001 },
    );
    expect(only(finer).verdict).toBe('worse');
  });

  test('counts that are none on one side or both have a change, and no NaN', () => {
    const made = { metric: { unit: 'count' } } as const;
    const side = (medians: Medians[], hour: number): MeasuredSet => setOf(medians, { ...made, hour });
    const comparison = compareSets(
      {
        label: 'a',
        set: side(
          times(5, () => ({ lost: 0, none: 0 })),
          10,
        ),
      },
      {
        label: 'b',
        set: side(
          times(5, () => ({ lost: 3, none: 0 })),
          11,
        ),
      },
      options,
    );
    expect(verdicts(comparison)).toEqual({ lost: 'changed', none: 'same' });
    for (const { change } of comparison.metrics) expect(Number.isFinite(change.estimate)).toBe(true);
  });
});

describe('the direction', () => {
  test('more of a rate is better', () => {
    const rate = (scale: number, hour: number): MeasuredSet =>
      setOf(
        times(5, (i) => ({ rate: (1000 + i) * scale })),
        { hour, host: { timing: 'wall' }, metric: { unit: 'perSecond', kind: 'wall' } },
      );
    const comparison = compareSets({ label: 'a', set: rate(1, 10) }, { label: 'b', set: rate(1.1, 11) }, options);
    expect(only(comparison)).toMatchObject({ better: 'more', verdict: 'better' });
  });
});

describe('the noise floor', () => {
  test('is what the runs before changed by, in the same environment', () => {
    const before = measuredRuns(
      times(30, (i) => ({ ts: 40_000 * (1 + 0.01 * ((i * 7) % 5)) })),
      { hour: 8 },
    );
    const history = new NoiseHistory(measuredSets(before), 'p50');
    const a = times(6, (i) => ({ ts: 40_000 + i }));
    const b = times(6, (i) => ({ ts: 40_800 + i }));
    expect(only(compare(a, b)).verdict).toBe('worse');
    const noisy = only(compare(a, b, { history }));
    expect(noisy.floor.value).toBeGreaterThan(0.02);
    expect(noisy.floor.from).toBe(29);
    expect(noisy.verdict).toBe('same');
  });

  test('knows nothing of changes that came with another environment', () => {
    const runs = times(10, (i) =>
      measuredRuns([{ ts: i % 2 === 0 ? 40_000 : 48_000 }], {
        hour: i,
        host: { xen: { version: `4.${i}` } },
      }),
    ).flat();
    const history = new NoiseHistory(measuredSets(runs), 'p50');
    const { floor } = only(compare([{ ts: 1 }], [{ ts: 1 }], { history }));
    expect(floor).toEqual({ value: 0.002, from: 0 });
  });
});

describe('what belongs together', () => {
  test('repetitions of one run are measurements of their own', () => {
    const set = setOf(
      times(5, (i) => ({ ts: 40_000 + i })),
      { inOne: true },
    );
    expect(set.measurements.map(({ repetition }) => repetition)).toEqual([1, 2, 3, 4, 5]);
    expect(set.metrics.size).toBe(1);
  });

  test('metrics match by scenario, variant and name, whatever the host; what only one side has is named', () => {
    const a = setOf([{ ts: 1, old: 2 }], { host: { name: 'emulated-4.17', xen: { version: '4.17.5' } } });
    const b = setOf([{ ts: 1, new: 2 }], { host: { name: 'emulated-4.20' }, hour: 11 });
    const { metrics, unmatched, environment } = compareSets({ label: 'a', set: a }, { label: 'b', set: b }, options);
    expect(metrics.map(({ metric }) => metric)).toEqual(['ts']);
    expect(unmatched).toEqual({
      a: ['performance/ladder environment=hvm old'],
      b: ['performance/ladder environment=hvm new'],
    });
    expect(environment).toContainEqual({ name: 'Xen', a: ['4.17.5'], b: ['4.20.5'] });
  });

  test('what is on both sides is said', () => {
    const [a, b] = [setOf([{ ts: 1 }, { ts: 2 }]), setOf([{ ts: 1 }])];
    const { warnings } = compareSets({ label: 'a', set: a }, { label: 'b', set: b }, options);
    expect(warnings).toEqual(['1 of the measurements are on both sides']);
    const other = setOf([{ ts: 1 }], { host: { name: 'other' } });
    expect(compareSets({ label: 'a', set: a }, { label: 'b', set: other }, options).warnings).toEqual([]);
  });

  test('what failed does not count', () => {
    const [one] = measuredRuns([{ ts: 1 }]);
    const failed = one && {
      ...one,
      run: { ...one.run, scenarios: one.run.scenarios.map((record) => ({ ...record, verdict: 'fail' as const })) },
    };
    expect(measuredSets(failed === undefined ? [] : [failed])).toEqual([]);
  });

  test('a metric that some runs lack is compared by those that have it', () => {
    const a: Medians[] = [{ ts: 10, c: 10 }, { ts: 10, c: 11 }, { c: 10 }, { ts: 10, c: 10 }, { ts: 10, c: 12 }];
    const b = a.map((one) => Object.fromEntries(Object.entries(one).map(([name, value]) => [name, value * 2])));
    const { metrics } = compare(a, b);
    expect(metrics.map(({ a: side }) => side.values.length)).toEqual([4, 5]);
    for (const { p, adjusted } of metrics) expect(adjusted).toBeGreaterThanOrEqual(p);
    expect(metrics[1]?.verdict).toBe('worse');
  });
});

describe('what is not compared', () => {
  const wall = (): MeasuredSet =>
    setOf([{ ts: 1 }], { host: { timing: 'wall' }, metric: { unit: 'cycles', kind: 'wall' } });

  test('instructions with time, not even by force', () => {
    const [a, b] = [
      { label: 'a', set: setOf([{ ts: 1 }]) },
      { label: 'b', set: wall() },
    ];
    const refused = expect.objectContaining({ code: 'TIMINGS_DIFFER', blame: 'usage' });
    expect(() => compareSets(a, b, { ...options, force: true })).toThrow(refused);
  });

  test('different processors, but by force', () => {
    const a = { label: 'a', set: setOf([{ ts: 1 }]) };
    const b = { label: 'b', set: setOf([{ ts: 1 }], { host: { env: { cpu: 'EPYC' } } }) };
    expect(() => compareSets(a, b, options)).toThrow(expect.objectContaining({ code: 'PROCESSORS_DIFFER' }));
    expect(compareSets(a, b, { ...options, force: true }).warnings.join()).toContain('EPYC');
  });

  test('what has nothing in common', () => {
    expect(() => compare([{ ts: 1 }], [{ c: 1 }])).toThrow(expect.objectContaining({ code: 'NOTHING_IN_COMMON' }));
  });
});
