import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { benjaminiHochberg, holm } from './adjust.ts';
import { changePoints } from './change-points.ts';
import { countsOfU, hodgesLehmann, hodgesLehmannRatio } from './hodges-lehmann.ts';
import { jointPermutation, waysToPart } from './joint-permutation.ts';
import { medianInterval } from './median-interval.ts';
import { noiseFloor } from './noise-floor.ts';
import { mannWhitney } from './rank-sum.ts';
import { leastRuns, runsToDecide } from './runs-to-decide.ts';
import { seededRandom } from './seeded-random.ts';

/** Small whole numbers, which tie a lot, or any. */
const value = fc.oneof(fc.integer({ min: 40_000, max: 40_004 }), fc.integer({ min: 1, max: 1_000_000 }));
const sample = fc.array(value, { minLength: 1, maxLength: 12 });
const p = fc.double({ min: 0, max: 1, noNaN: true });

describe("Mann and Whitney's test", () => {
  test('is the same from both sides, in any order, and on any scale', () => {
    fc.assert(
      fc.property(sample, sample, (a, b) => {
        const { u, p } = mannWhitney(a, b);
        expect(p).toBeGreaterThan(0);
        expect(p).toBeLessThanOrEqual(1);
        expect(mannWhitney(b, a).u).toBe(a.length * b.length - u);
        expect(mannWhitney(b, a).p).toBeCloseTo(p, 12);
        expect(mannWhitney(a.toReversed(), b)).toEqual({ u, p, method: 'exact' });
        const rising = (x: number): number => 3 * x + 7;
        expect(mannWhitney(a.map(rising), b.map(rising))).toEqual({ u, p, method: 'exact' });
      }),
    );
  });

  test('counts how often one exceeds the other', () => {
    fc.assert(
      fc.property(sample, sample, (a, b) => {
        const wins = a.flatMap((x) => b.map((y) => (x > y ? 1 : x === y ? 0.5 : 0)));
        expect(mannWhitney(a, b).u).toBe(wins.reduce<number>((sum, one) => sum + one, 0));
      }),
    );
  });

  test('of values that are all the same is 1, however many', () => {
    for (const n of [1, 5, 20, 300]) expect(mannWhitney(Array(n).fill(7), Array(n).fill(7)).p).toBe(1);
  });

  test('of apart samples is two of all ways to part them', () => {
    const up = (n: number, from: number): number[] => Array.from({ length: n }, (_, i) => from + i);
    for (const n of [3, 5, 8, 20]) {
      expect(mannWhitney(up(n, 0), up(n, 100)).p).toBeCloseTo(2 / waysToPart(2 * n, n), 15);
    }
  });

  test('is exact and approximated much the same where both can be had', () => {
    const random = seededRandom(3);
    const draw = (n: number): number[] => Array.from({ length: n }, () => Math.floor(random() * 1000));
    const [a, b] = [draw(30), draw(30)];
    // The same values three times are too many to be counted, and have the ties to be corrected for.
    const exact = mannWhitney(a, b);
    expect(exact.method).toBe('exact');
    expect(mannWhitney([...a, ...a, ...a, ...a], [...b, ...b, ...b, ...b]).method).toBe('normal');
  });
});

describe("Hodges and Lehmann's estimate", () => {
  test('lies in its interval, moves with the values, and turns its sign with the sides', () => {
    fc.assert(
      fc.property(sample, sample, fc.integer({ min: -1000, max: 1000 }), (a, b, shift) => {
        const { estimate, low, high, confidence } = hodgesLehmann(a, b, 0.95);
        expect(low).toBeLessThanOrEqual(estimate);
        expect(high).toBeGreaterThanOrEqual(estimate);
        expect(confidence).toBeGreaterThanOrEqual(0);
        expect(confidence).toBeLessThan(1);
        const moved = hodgesLehmann(
          a,
          b.map((x) => x + shift),
          0.95,
        );
        expect(moved).toEqual({
          ...{ estimate: estimate + shift, low: low + shift, high: high + shift },
          confidence,
        });
        const turned = hodgesLehmann(b, a, 0.95);
        expect([turned.estimate + estimate, turned.low + high, turned.high + low]).toEqual([0, 0, 0]);
      }),
    );
  });

  test('of ratios does not depend on the unit', () => {
    fc.assert(
      fc.property(sample, sample, (a, b) => {
        const ns = hodgesLehmannRatio(a, b, 0.95);
        const us = hodgesLehmannRatio(
          a.map((x) => x / 1000),
          b.map((x) => x / 1000),
          0.95,
        );
        expect(us.estimate / ns.estimate).toBeCloseTo(1, 9);
        expect(us.low / ns.low).toBeCloseTo(1, 9);
        expect(us.high / ns.high).toBeCloseTo(1, 9);
      }),
    );
  });

  test('of equal constants is no change at all, without width', () => {
    const same = hodgesLehmannRatio([40_163, 40_163, 40_163], [40_163, 40_163], 0.95);
    expect(same).toMatchObject({ estimate: 1, low: 1, high: 1 });
  });

  test('covers what it says it covers', () => {
    const random = seededRandom(11);
    let covered = 0;
    const trials = 2000;
    for (let trial = 0; trial < trials; trial += 1) {
      const draw = (): number[] => Array.from({ length: 6 }, () => random() + random() + random());
      const { low, high } = hodgesLehmann(draw(), draw(), 0.95);
      if (low <= 0 && high >= 0) covered += 1;
    }
    const { confidence } = hodgesLehmann([1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6], 0.95);
    expect(confidence).toBeGreaterThanOrEqual(0.95);
    // Three standard errors.
    expect(Math.abs(covered / trials - confidence)).toBeLessThan(
      3 * Math.sqrt((confidence * (1 - confidence)) / trials),
    );
  });

  test('knows all arrangements', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 12 }), (n, m) => {
        const counts = [...countsOfU(n, m)];
        expect(counts.reduce((sum, count) => sum + count, 0)).toBe(waysToPart(n + m, n));
        expect(counts).toEqual(counts.toReversed());
      }),
    );
  });
});

test('the interval of a median holds it, and grows with the confidence', () => {
  fc.assert(
    fc.property(sample, (values) => {
      const [narrow, wide] = [medianInterval(values, 0.8), medianInterval(values, 0.99)];
      expect(narrow.low).toBeLessThanOrEqual(narrow.estimate);
      expect(narrow.high).toBeGreaterThanOrEqual(narrow.estimate);
      expect(wide.low).toBeLessThanOrEqual(narrow.low);
      expect(wide.high).toBeGreaterThanOrEqual(narrow.high);
      expect(medianInterval(values.toReversed(), 0.8)).toEqual(narrow);
    }),
  );
});

describe('corrections', () => {
  test("never make a p smaller, keep the order, and Holm's is the greater", () => {
    fc.assert(
      fc.property(fc.array(p, { maxLength: 20 }), (ps) => {
        const [careful, lenient] = [holm(ps), benjaminiHochberg(ps)];
        for (const [i, one] of ps.entries()) {
          expect(lenient[i]).toBeGreaterThanOrEqual(one);
          // But for rounding.
          expect(careful[i]).toBeGreaterThanOrEqual((lenient[i] ?? 1) - 1e-12);
          expect(careful[i]).toBeLessThanOrEqual(1);
          for (const [j, other] of ps.entries()) {
            if (one < other) expect(careful[i]).toBeLessThanOrEqual(careful[j] ?? 0);
          }
        }
      }),
    );
  });

  test("from the runs themselves lie between p and Holm's", () => {
    const rows = fc
      .tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 6 }))
      .chain(([n, m, metrics]) => {
        const row = fc.array(value, { minLength: n + m, maxLength: n + m });
        return fc.tuple(fc.constant(n), fc.array(row, { minLength: metrics, maxLength: metrics }));
      });
    fc.assert(
      fc.property(rows, ([n, metrics]) => {
        const { ps, adjusted } = jointPermutation(metrics, n);
        const most = holm(ps);
        for (const [i, one] of ps.entries()) {
          expect(one).toBeCloseTo(mannWhitney(metrics[i]?.slice(0, n) ?? [], metrics[i]?.slice(n) ?? []).p, 12);
          expect(adjusted[i]).toBeGreaterThanOrEqual(one);
          expect(adjusted[i]).toBeLessThanOrEqual((most[i] ?? 0) + 1e-9);
        }
      }),
    );
  });

  test('metrics that move together are one change: five runs a side are enough', () => {
    const [a, b] = [
      [1, 2, 3, 4, 5],
      [6, 7, 8, 9, 10],
    ];
    const metrics = Array.from({ length: 80 }, (_, i) => [...a, ...b].map((x) => x * (i + 1)));
    const { ps, adjusted } = jointPermutation(metrics, 5);
    expect(Math.max(...adjusted)).toBeCloseTo(2 / 252, 12);
    expect(Math.max(...holm(ps))).toBeGreaterThan(0.6);
  });

  test('of many runs are drawn, and always the same', () => {
    const random = seededRandom(5);
    const row = (shift: number): number[] => Array.from({ length: 40 }, (_, i) => random() + (i < 20 ? 0 : shift));
    const rows = [row(0), row(2), row(0)];
    const found = jointPermutation(rows, 20);
    expect(found).toEqual(jointPermutation(rows, 20));
    expect(found.adjusted[1]).toBeLessThan(0.001);
    expect(Math.min(found.adjusted[0] ?? 0, found.adjusted[2] ?? 0)).toBeGreaterThan(0.05);
  });
});

test('a noise floor is never below the least, nor below most of the changes', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: -0.2, max: 0.2, noNaN: true }), { minLength: 4, maxLength: 40 }),
      (deltas) => {
        const floor = noiseFloor(deltas, 0.002);
        expect(floor).toBeGreaterThanOrEqual(0.002);
        expect(deltas.filter((delta) => Math.abs(delta) <= floor).length).toBeGreaterThanOrEqual(deltas.length * 0.7);
      },
    ),
  );
  expect(noiseFloor([], 0.01)).toBe(0.01);
  expect(noiseFloor([0, 0, 0, 0, 0], 0.01)).toBe(0.01);
});

describe('change points', () => {
  test('of what never changes there are none', () => {
    for (const constant of [0, 40_163, 0.1, 1 / 3]) expect(changePoints(Array(130).fill(constant))).toEqual([]);
    expect(changePoints([])).toEqual([]);
    expect(changePoints([1])).toEqual([]);
    expect(changePoints([1, 2])).toEqual([]);
  });

  test('a step between constants is found where it is, and not if it is too small to matter', () => {
    fc.assert(
      fc.property(fc.integer({ min: 3, max: 60 }), fc.integer({ min: 3, max: 60 }), fc.boolean(), (n, m, rises) => {
        const series = [...Array<number>(n).fill(40_000), ...Array<number>(m).fill(rises ? 40_400 : 39_600)];
        expect(changePoints(series)).toMatchObject([{ index: n, before: 40_000, p: 0 }]);
        expect(changePoints(series, { leastChange: 0.02 })).toEqual([]);
      }),
    );
  });

  test('do not depend on the unit', () => {
    const random = seededRandom(8);
    const series = Array.from({ length: 200 }, (_, i) => 1000 + (i > 120 ? 20 : 0) + 10 * random());
    const indexes = (scale: number): number[] => changePoints(series.map((x) => x * scale)).map(({ index }) => index);
    expect(indexes(1)).toEqual([121]);
    expect(indexes(1024)).toEqual([121]);
  });

  test('are fast enough for a thousand runs', () => {
    const random = seededRandom(9);
    const series = Array.from({ length: 1000 }, (_, i) => 100 + Math.floor(i / 150) + 3 * random());
    const before = performance.now();
    expect(changePoints(series).length).toBeGreaterThan(3);
    // 20 ms on the project's test machine; this is for a busy one.
    expect(performance.now() - before).toBeLessThan(1000);
  });
});

describe('how many runs decide', () => {
  test('more for a smaller change, a harder test, and more noise; none that are not enough for the test', () => {
    const base = { deviation: 0.02, change: 0.05, floor: 0.01, alpha: 0.05, hypotheses: 1, confidence: 0.95 };
    const needed = runsToDecide(base) ?? 0;
    expect(needed).toBeGreaterThanOrEqual(leastRuns(0.05));
    expect(runsToDecide({ ...base, change: 0.03 })).toBeGreaterThan(needed);
    expect(runsToDecide({ ...base, change: -0.03 })).toBeGreaterThan(needed);
    expect(runsToDecide({ ...base, hypotheses: 500 })).toBeGreaterThan(needed);
    expect(runsToDecide({ ...base, deviation: 0.1 })).toBeGreaterThan(needed);
    expect(runsToDecide({ ...base, change: 0.01 })).toBeUndefined();
  });

  test('the least that the test needs', () => {
    expect([0.05, 0.01, 0.001].map(leastRuns)).toEqual([4, 5, 7]);
    const still = { deviation: 0, change: 0.02, floor: 0.01, alpha: 0.05, hypotheses: 1, confidence: 0.95 };
    expect(runsToDecide(still)).toBe(4);
    expect(runsToDecide({ ...still, change: 0 })).toBe(2);
  });
});
