import { studentTwoSided } from './student-t.ts';

/** Where a series changes: the values from `index` on differ from those before, up to the next change point on either side. */
export interface ChangePoint {
  readonly index: number;
  readonly before: number;
  readonly after: number;
  /** Of Student's t, two-sided. */
  readonly p: number;
}

/** How change points are found; the defaults are Otava's. */
export interface ChangePointOptions {
  /** Values that are looked at together; they overlap by half. */
  readonly window?: number;
  readonly maxP?: number;
  /** Smaller relative changes are left out: 0.01 is 1 %. */
  readonly leastChange?: number;
}

/**
 * Change points of a series, as Apache Otava finds them (formerly Hunter; Fleming et al., "Hunter: Using Change Point
 * Detection to Hunt for Performance Regressions", ICPE 2023; otava/analysis.py, otava/change_point_divisive/): E-divisive
 * (Matteson and James, Journal of the American Statistical Association 109, 2014, 334-345) splits each window where the
 * energy distance is greatest, as long as Student's t finds the halves different at ten times `maxP`; then the weakest
 * points are given up, one by one, until all that remain are significant between their neighbours. No chance is involved.
 *
 * A series without any variance has no change points, and a step between two constant stretches has p = 0.
 */
export function changePoints(series: readonly number[], options: ChangePointOptions = {}): ChangePoint[] {
  const { window = 50, maxP = 0.001, leastChange = 0 } = options;
  if (!(window >= 2)) throw new RangeError('a window has at least two values');
  const weak = split(series, window, maxP < 0.05 ? maxP * 10 : Math.min(1, maxP * 2));
  return merge(series, weak, maxP, leastChange);
}

/** The points that are significant at a weak level in any of the windows, sorted. */
function split(series: readonly number[], window: number, maxP: number): number[] {
  const found = new Set<number>();
  const step = Math.floor(window / 2);
  for (let start = 0; start < series.length;) {
    const points = divide(series.slice(start, start + window), maxP).map((index) => start + index);
    for (const point of points) found.add(point);
    start = Math.max(points.at(-1) ?? 0, start + step);
  }
  return [...found].sort((a, b) => a - b);
}

/** E-divisive: the best split of any part, again and again, until it is not significant. */
function divide(values: readonly number[], maxP: number): number[] {
  const points: number[] = [];
  for (;;) {
    const bounds = [0, ...points, values.length];
    let best: { index: number; q: number; start: number; end: number } | undefined;
    for (const [i, end] of bounds.entries()) {
      const start = bounds[i - 1];
      if (start === undefined || end - start < 2) continue;
      const candidate = bestSplit(values, start, end);
      if (best === undefined || candidate.q > best.q) best = { ...candidate, start, end };
    }
    // Nothing differs from anything: there is no split.
    if (best === undefined || best.q <= 0) return points;
    const { index, start, end } = best;
    if (compare(values.slice(start, index), values.slice(index, end)).p > maxP) return points;
    points.push(index);
    points.sort((a, b) => a - b);
  }
}

/**
 * The `index` and the end of the right part, both from `start` to `end`, between which the scaled energy distance is greatest:
 * Q = mn/(m+n) (2/(mn) sum |x - y| - 2/(n(n-1)) sum |x - x'| - 2/(m(m-1)) sum |y - y'|).
 */
function bestSplit(values: readonly number[], start: number, end: number): { index: number; q: number } {
  let best = { index: start + 1, q: Number.NEGATIVE_INFINITY };
  const size = end - start;
  // At last * size + k: the sum of the distances from the value at `last` to the first k, so that every sum below is a difference.
  const sums = new Float64Array(size * size);
  for (let last = 0; last < size; last += 1) {
    for (let k = 1; k <= last; k += 1) {
      sums[last * size + k] = (sums[last * size + k - 1] ?? 0) + distance(values, start + k - 1, start + last);
    }
  }
  const sum = (last: number, k: number): number => sums[last * size + k] ?? 0;
  /** Distances within the left part. */
  let left = 0;
  for (let n = 1; n < size; n += 1) {
    left += sum(n - 1, n - 1);
    let between = 0;
    let right = 0;
    for (let last = n; last < size; last += 1) {
      between += sum(last, n);
      right += sum(last, last) - sum(last, n);
      const m = last - n + 1;
      const within = (n > 1 ? (m / (n - 1)) * left : 0) + (m > 1 ? (n / (m - 1)) * right : 0);
      const q = (2 / (m + n)) * (between - within);
      if (q > best.q) best = { index: start + n, q };
    }
  }
  return best;
}

function distance(values: readonly number[], i: number, j: number): number {
  return Math.abs((values[i] ?? 0) - (values[j] ?? 0));
}

/** Gives up the weakest point until all are significant, and large enough, between their neighbours. */
function merge(series: readonly number[], weak: readonly number[], maxP: number, leastChange: number): ChangePoint[] {
  const at = (index: number, from: number, to: number): ChangePoint => {
    return { index, ...compare(series.slice(from, index), series.slice(index, to)) };
  };
  const points = weak.map((index, i) => at(index, weak[i - 1] ?? 0, weak[i + 1] ?? series.length));
  while (points.length > 0) {
    let weakest = points.reduce((worst, point) => (point.p > worst.p ? point : worst));
    if (weakest.p < maxP) {
      weakest = points.reduce((least, point) => (changeOf(point) < changeOf(least) ? point : least));
      if (changeOf(weakest) > leastChange) break;
    }
    const gone = points.indexOf(weakest);
    points.splice(gone, 1);
    // Not the point before it: Otava's `merge` leaves that as it was, whatever the reason, and other points would be found
    // otherwise.
    for (const i of [gone, gone + 1]) {
      const point = points[i];
      if (point === undefined) continue;
      points[i] = at(point.index, points[i - 1]?.index ?? 0, points[i + 1]?.index ?? series.length);
    }
  }
  return points;
}

/** The greater of the relative changes there and back. */
function changeOf({ before, after }: ChangePoint): number {
  const change = (from: number, to: number): number => (from === 0 ? 0 : Math.abs(to / from - 1));
  return Math.max(change(before, after), change(after, before));
}

/**
 * Student's t test with pooled variance. As in Otava, whose deviations are those of NumPy's `std`, divided by n and not by
 * n - 1: without it, other points would be found than those that its users know.
 */
function compare(left: readonly number[], right: readonly number[]): { before: number; after: number; p: number } {
  const [before, after] = [meanOf(left), meanOf(right)];
  const degrees = left.length + right.length - 2;
  if (degrees <= 0 || before === after) return { before, after, p: 1 };
  const spread = (values: readonly number[], mean: number): number => {
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    return (values.length - 1) * variance;
  };
  const pooled = (spread(left, before) + spread(right, after)) / degrees;
  const t = (before - after) / Math.sqrt(pooled * (1 / left.length + 1 / right.length));
  return { before, after, p: studentTwoSided(t, degrees) };
}

/** From the first value on, so that the mean of equal values is that value, to the last bit. */
function meanOf(values: readonly number[]): number {
  const [first = 0] = values;
  return first + values.reduce((sum, value) => sum + (value - first), 0) / values.length;
}
