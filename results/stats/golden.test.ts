import { describe, expect, test } from 'vitest';
import { benjaminiHochberg, holm } from './adjust.ts';
import { changePoints } from './change-points.ts';
import { otavaCases, scipy } from './golden/read-golden.ts';
import { hodgesLehmann } from './hodges-lehmann.ts';
import { incompleteBeta } from './incomplete-beta.ts';
import { jointPermutation } from './joint-permutation.ts';
import { logGamma } from './log-gamma.ts';
import { medianInterval } from './median-interval.ts';
import { noiseFloor } from './noise-floor.ts';
import { normalQuantile, normalTail } from './normal.ts';
import { mannWhitney } from './rank-sum.ts';
import { studentTwoSided } from './student-t.ts';

/** Relative, so that it says something of the smallest p as well. */
function expectClose(actual: number, wanted: number, within: number): void {
  expect(Math.abs(actual - wanted), `${actual} instead of ${wanted}`).toBeLessThanOrEqual(
    within * Math.max(Math.abs(wanted), 1e-300),
  );
}

function expectAllClose(actual: readonly number[], wanted: readonly number[], within: number): void {
  expect(actual).toHaveLength(wanted.length);
  for (const [i, value] of wanted.entries()) expectClose(actual[i] ?? Number.NaN, value, within);
}

describe('as SciPy has it', () => {
  test.each(
    Object.entries({ normalTail, normalQuantile, studentTwoSided, logGamma, incompleteBeta } as Record<
      string,
      (...given: number[]) => number
    >),
  )('%s', (name, calculate) => {
    const cases = scipy.functions[name] ?? [];
    expect(cases.length).toBeGreaterThan(5);
    for (const one of cases) {
      const [value, wanted] = [calculate(...one.slice(0, -1)), one.at(-1) ?? Number.NaN];
      // Functions that pass through 0 are held to an absolute error.
      if (Math.abs(wanted) < 1) expect(Math.abs(value - wanted)).toBeLessThan(1e-12);
      if (wanted !== 0 && name !== 'normalQuantile') expectClose(value, wanted, 1e-10);
    }
  });

  test('Mann and Whitney: U and p, exact to 1e-9, approximated to 1e-6', () => {
    expect(scipy.mannWhitney.map(({ method }) => method)).toContain('normal');
    for (const { a, b, u, p, method, within } of scipy.mannWhitney) {
      const test = mannWhitney(a, b);
      expect(test.u).toBe(u);
      expect(test.method).toBe(method);
      expectClose(test.p, p, within);
    }
  });

  test('Hodges and Lehmann, with the interval', () => {
    for (const { a, b, asked, ...wanted } of scipy.hodgesLehmann) {
      const found = hodgesLehmann(a, b, asked);
      for (const key of ['estimate', 'low', 'high', 'confidence'] as const) {
        expect(Math.abs(found[key] - wanted[key]), `${key} of ${a.length} and ${b.length}`).toBeLessThan(1e-9);
      }
    }
  });

  test('the interval of a median', () => {
    for (const { values, asked, ...wanted } of scipy.medianInterval) {
      const found = medianInterval(values, asked);
      expect({ ...found, confidence: 0 }).toEqual({ ...wanted, confidence: 0 });
      expectClose(found.confidence, wanted.confidence, 1e-12);
    }
  });

  test('corrections for several tests', () => {
    for (const one of scipy.adjusted) {
      expectAllClose(holm(one.ps), one.holm, 1e-12);
      expectAllClose(benjaminiHochberg(one.ps), one.bh, 1e-12);
    }
  });

  test('the noise floor', () => {
    for (const { deltas, floor } of scipy.noiseFloor) expectClose(noiseFloor(deltas, 0), floor, 1e-12);
  });

  test('tests of several metrics of the same runs', () => {
    for (const { rows, n, ps, adjusted } of scipy.jointPermutation) {
      const found = jointPermutation(rows, n);
      expectAllClose(found.ps, ps, 1e-9);
      expectAllClose(found.adjusted, adjusted, 1e-9);
    }
  });
});

describe('as Apache Otava has it', () => {
  test.each(otavaCases)('change points: $name, window $window, p $maxP, change $leastChange', (one) => {
    const found = changePoints(one.series, one);
    expect(found.map(({ index }) => index)).toEqual(one.points.map(({ index }) => index));
    for (const [i, wanted] of one.points.entries()) {
      expectClose(found[i]?.before ?? 0, wanted.before, 1e-9);
      expectClose(found[i]?.after ?? 0, wanted.after, 1e-9);
      expectClose(found[i]?.p ?? 0, wanted.p, 1e-6);
    }
  });
});
