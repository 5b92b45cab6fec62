import { medianOfSorted } from './center.ts';
import type { Interval } from './median-interval.ts';
import { normalQuantile } from './normal.ts';

/** Values a side up to which the distribution of U is counted. */
const MOST_COUNTED = 40;

/**
 * By how much `b` exceeds `a`: the median of all differences b - a, with a confidence interval between two of them whose
 * ranks are those at which Mann and Whitney's test begins to reject (Hodges and Lehmann, Annals of Mathematical Statistics
 * 34, 1963, 598-611; Lehmann, "Nonparametrics", sections 2.5 and 2.6). Ties make the interval wider than need be, never
 * narrower. Both samples have at least one value.
 *
 * @param confidence such as 0.95
 */
export function hodgesLehmann(a: readonly number[], b: readonly number[], confidence: number): Interval {
  const differences = Float64Array.from({ length: a.length * b.length }, (_, index) => {
    return (b[Math.floor(index / a.length)] ?? Number.NaN) - (a[index % a.length] ?? Number.NaN);
  }).sort();
  const { outside, covers } = outsideInterval(a.length, b.length, (1 - confidence) / 2);
  return {
    estimate: medianOfSorted(Array.from(differences)),
    low: differences[outside] ?? Number.NaN,
    high: differences[differences.length - 1 - outside] ?? Number.NaN,
    confidence: covers,
  };
}

/**
 * The same for ratios: how many times `b` is `a`, by logarithms. All values must be above 0.
 */
export function hodgesLehmannRatio(a: readonly number[], b: readonly number[], confidence: number): Interval {
  const shift = hodgesLehmann(a.map(Math.log), b.map(Math.log), confidence);
  const { estimate, low, high } = shift;
  return { estimate: Math.exp(estimate), low: Math.exp(low), high: Math.exp(high), confidence: shift.confidence };
}

/** How many differences lie outside on each side, and what is covered then. */
function outsideInterval(n: number, m: number, tail: number): { outside: number; covers: number } {
  if (Math.max(n, m) > MOST_COUNTED) {
    const deviation = Math.sqrt((n * m * (n + m + 1)) / 12);
    const outside = Math.floor((n * m) / 2 - normalQuantile(tail) * deviation - 0.5);
    return { outside: Math.max(0, Math.min(outside, Math.floor((n * m - 1) / 2))), covers: 1 - 2 * tail };
  }
  const counts = countsOfU(n, m);
  const all = counts.reduce((sum, count) => sum + count, 0);
  let cumulated = 0;
  let outside = 0;
  let covers = 1 - (2 * (counts[0] ?? 0)) / all;
  for (const [u, count] of counts.entries()) {
    cumulated += count;
    if (cumulated / all > tail) break;
    [outside, covers] = [u, 1 - (2 * cumulated) / all];
  }
  return { outside, covers: Math.max(0, covers) };
}

const known = new Map<string, Float64Array>();

/**
 * How many of all arrangements of `n` and `m` values without ties give each U from 0 to nm: the coefficients of the Gaussian
 * binomial, product over i of (1 - q^(m + i)) / (1 - q^i).
 */
export function countsOfU(n: number, m: number): Float64Array {
  const key = `${n} ${m}`;
  const found = known.get(key);
  if (found !== undefined) return found;
  const most = n * m;
  const counts = new Float64Array(most + 1);
  counts[0] = 1;
  for (let i = 1; i <= n; i += 1) {
    for (let u = most; u >= m + i; u -= 1) counts[u] = (counts[u] ?? 0) - (counts[u - m - i] ?? 0);
    for (let u = i; u <= most; u += 1) counts[u] = (counts[u] ?? 0) + (counts[u - i] ?? 0);
  }
  known.set(key, counts);
  return counts;
}
