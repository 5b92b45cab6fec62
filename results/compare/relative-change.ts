import { hodgesLehmann, hodgesLehmannRatio } from '../stats/hodges-lehmann.ts';
import type { Interval } from '../stats/median-interval.ts';

/**
 * The change from `a` to `b` relative to `a`: by ratios where all values are above 0; otherwise, as for counts that may be
 * none, the difference as a share of the greatest value. 0, without width, when all are 0.
 */
export function relativeChange(a: readonly number[], b: readonly number[], confidence: number): Interval {
  const all = [...a, ...b];
  if (all.every((value) => value > 0)) {
    const { estimate, low, high, confidence: covers } = hodgesLehmannRatio(a, b, confidence);
    return { estimate: estimate - 1, low: low - 1, high: high - 1, confidence: covers };
  }
  const greatest = Math.max(...all.map(Math.abs)) || 1;
  const { estimate, low, high, confidence: covers } = hodgesLehmann(a, b, confidence);
  return { estimate: estimate / greatest, low: low / greatest, high: high / greatest, confidence: covers };
}

/** The standard deviation of one side's values from each other, relative, from both sides; 0 if neither has two values. */
export function relativeDeviation(a: readonly number[], b: readonly number[]): number {
  const squares = [a, b].map((values) => {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    return mean === 0 ? 0 : values.reduce((sum, value) => sum + (value / mean - 1) ** 2, 0);
  });
  const degrees = a.length + b.length - 2;
  return degrees <= 0 ? 0 : Math.sqrt(((squares[0] ?? 0) + (squares[1] ?? 0)) / degrees);
}

/** How far apart the values are, relative to the least: what no parting of them into two sides can exceed. */
export function relativeSpread(values: readonly number[]): number {
  const [least, greatest] = [Math.min(...values), Math.max(...values)];
  if (least === greatest) return 0;
  return least > 0 ? greatest / least - 1 : Number.POSITIVE_INFINITY;
}
