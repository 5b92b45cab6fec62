import fc from 'fast-check';
import { expect, test } from 'vitest';
import { logTicks } from './nice-ticks.ts';

test('are round, and as dense as there is room for', () => {
  expect(logTicks(28, 3300, 5)).toEqual([30, 100, 300, 1000, 3000]);
  expect(logTicks(11_000, 38_000, 5)).toEqual([15_000, 20_000, 25_000, 30_000]);
  expect(logTicks(1700, 28_000, 5)).toEqual([2000, 5000, 10_000, 20_000]);
  expect(logTicks(1, 1e9, 5)).toEqual([1, 100, 10_000, 1_000_000, 100_000_000]);
});

test('lie within the axis, rise, and are not too many', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 1e-3, max: 1e9, noNaN: true }),
      fc.double({ min: 1, max: 1e6, noNaN: true }),
      (low, factor) => {
        const high = low * factor;
        const ticks = logTicks(low, high, 5);
        expect(ticks.length).toBeLessThanOrEqual(5);
        expect(ticks).toEqual([...new Set(ticks)].sort((a, b) => a - b));
        for (const tick of ticks) expect(tick >= low && tick <= high).toBe(true);
        if (factor > 10) expect(ticks.length).toBeGreaterThan(0);
      },
    ),
  );
});
