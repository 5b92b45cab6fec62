import { ascending, medianOfSorted } from './center.ts';

/** An estimate, and where the true value lies with a certain confidence. */
export interface Interval {
  readonly estimate: number;
  readonly low: number;
  readonly high: number;
  /** What the interval really covers: at least what was asked for, or less if there are too few values for that. */
  readonly confidence: number;
}

/**
 * The median with a confidence interval between two order statistics: as many values lie outside on each side as the
 * binomial distribution with one half allows (the sign test; Conover, "Practical Nonparametric Statistics", section 3.2).
 * Holds whatever the distribution; with few values, the interval is from the least to the greatest, and covers less.
 *
 * @param confidence such as 0.95
 */
export function medianInterval(values: readonly number[], confidence: number): Interval {
  const sorted = ascending(values);
  const n = sorted.length;
  const tail = (1 - confidence) / 2;
  let outside = 0;
  let below = 0;
  let chance = 0.5 ** n;
  let cumulated = chance;
  for (let k = 1; cumulated <= tail; k += 1) {
    [outside, below] = [k, cumulated];
    chance *= (n - k + 1) / k;
    cumulated += chance;
  }
  // No value may lie outside: from the least to the greatest, then.
  const covers = outside === 0 ? 1 - 2 * 0.5 ** n : 1 - 2 * below;
  const first = Math.max(0, outside - 1);
  return {
    estimate: medianOfSorted(sorted),
    low: sorted[first] ?? Number.NaN,
    high: sorted[n - 1 - first] ?? Number.NaN,
    confidence: Math.max(0, covers),
  };
}
