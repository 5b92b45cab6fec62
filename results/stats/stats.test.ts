import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { percentileCurve } from './percentile-curve.ts';
import { nearestRank, quantile, sortSamples } from './quantile.ts';
import { summarize } from './summarize.ts';

const samples = fc.array(fc.integer({ min: 0, max: 0xffffffff }), { minLength: 1, maxLength: 300 });
const share = fc.double({ min: 0, max: 1, noNaN: true });

/** The definition itself, without sorting: the smallest sample that at least q * n samples do not exceed. */
function byDefinition(values: readonly number[], q: number): number {
  const enough = values.filter((value) => values.filter((other) => other <= value).length >= q * values.length);
  return Math.min(...enough);
}

describe('a quantile', () => {
  test('is the one of the definition', () => {
    const eighths = fc.integer({ min: 0, max: 8 }).map((eighth) => eighth / 8);
    fc.assert(
      fc.property(fc.array(fc.integer(), { minLength: 1, maxLength: 60 }), eighths, (values, q) => {
        expect(quantile(sortSamples(values), q)).toBe(byDefinition(values, q));
      }),
    );
  });

  test('is a sample, rises with q, and does not depend on the order', () => {
    fc.assert(
      fc.property(samples, share, share, (values, a, b) => {
        const sorted = sortSamples(values);
        const [low, high] = [quantile(sorted, Math.min(a, b)), quantile(sorted, Math.max(a, b))];
        expect(values).toContain(low);
        expect(low).toBeLessThanOrEqual(high);
        expect(quantile(sortSamples(values.toReversed()), a)).toBe(quantile(sorted, a));
      }),
    );
  });

  // numpy.quantile([15, 20, 35, 40, 50], q, method='inverted_cdf')
  test.each([
    [0, 15],
    [0.05, 15],
    [0.3, 20],
    [0.4, 20],
    [0.5, 35],
    [0.8, 40],
    [1, 50],
  ])('golden values: q = %d of five samples is %d', (q, value) => {
    expect(quantile(sortSamples([50, 15, 40, 20, 35]), q)).toBe(value);
  });

  test('has the exact rank although q has no exact binary form', () => {
    const wrong: string[] = [];
    for (let n = 1; n <= 1000; n += 1) {
      for (let percent = 1; percent <= 100; percent += 1) {
        if (nearestRank(n, percent / 100) !== Math.ceil((n * percent) / 100)) wrong.push(`${percent} % of ${n}`);
      }
    }
    expect(wrong).toEqual([]);
    expect(nearestRank(10_000, 0.999)).toBe(9990);
    expect(nearestRank(1_000_000, 0.9999)).toBe(999_900);
  });

  test('outside 0 to 1 is refused', () => {
    expect(() => quantile(sortSamples([1]), 1.01)).toThrow(RangeError);
    expect(() => quantile(sortSamples([1]), Number.NaN)).toThrow(RangeError);
  });
});

describe('a summary', () => {
  test('golden values', () => {
    const values = Array.from({ length: 10_000 }, (_, index) => 10_000 - index);
    const expected = { n: 10_000, min: 1, mean: 5000.5, p50: 5000, p90: 9000, p99: 9900, p999: 9990, max: 10_000 };
    expect(summarize(values)).toEqual(expected);
    expect(summarize(Uint32Array.from(values))).toEqual(expected);
  });

  test('of one sample is that sample', () => {
    expect(summarize([7])).toEqual({ n: 1, min: 7, mean: 7, p50: 7, p90: 7, p99: 7, p999: 7, max: 7 });
  });

  test('is in order, and the samples stay as they were', () => {
    fc.assert(
      fc.property(samples, (values) => {
        const raw = Uint32Array.from(values);
        const { min, mean, p50, p90, p99, p999, max } = summarize(raw);
        expect([...raw]).toEqual(values);
        expect([min, p50, p90, p99, p999, max]).toEqual([min, p50, p90, p99, p999, max].toSorted((a, b) => a - b));
        expect(min).toBe(Math.min(...values));
        expect(max).toBe(Math.max(...values));
        expect(mean).toBeGreaterThanOrEqual(min - 1e-6);
        expect(mean).toBeLessThanOrEqual(max + 1e-6);
      }),
    );
  });

  test('shifts and scales with the samples', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 1e6 }), { minLength: 1 }), (values) => {
        const before = summarize(values);
        const after = summarize(values.map((value) => 2 * value + 3));
        for (const key of ['min', 'p50', 'p90', 'p99', 'p999', 'max'] as const)
          expect(after[key]).toBe(2 * before[key] + 3);
        expect(after.mean).toBeCloseTo(2 * before.mean + 3, 6);
      }),
    );
  });

  test('counts above 2^31 are positive', () => {
    expect(summarize(Uint32Array.of(0xffffffff, 1)).max).toBe(0xffffffff);
  });

  test('of nothing, or with NaN, is an error of the scenario', () => {
    expect(() => summarize([])).toThrow(expect.objectContaining({ blame: 'scenario', code: 'NO_SAMPLES' }));
    expect(() => summarize([1, Number.NaN])).toThrow(expect.objectContaining({ code: 'NAN_SAMPLE' }));
  });
});

describe('a percentile curve', () => {
  test('starts at the minimum, ends at the maximum, and rises', () => {
    fc.assert(
      fc.property(samples, (values) => {
        const sorted = sortSamples(values);
        const curve = percentileCurve(sorted);
        expect(curve[0]).toEqual({ q: 1 / values.length, value: Math.min(...values) });
        expect(curve.at(-1)).toEqual({ q: 1, value: Math.max(...values) });
        for (const [index, { q, value }] of curve.entries()) {
          expect(value).toBe(quantile(sorted, q));
          const before = curve[index - 1];
          if (before === undefined) continue;
          expect(q).toBeGreaterThan(before.q);
          expect(value).toBeGreaterThanOrEqual(before.value);
        }
      }),
    );
  });

  test('stays small, and reaches into the tail', () => {
    const curve = percentileCurve(sortSamples(Uint32Array.from({ length: 100_000 }, (_, index) => index)));
    expect(curve.length).toBeLessThan(130);
    expect(curve.filter(({ q }) => q > 0.999).length).toBeGreaterThan(20);
  });
});
