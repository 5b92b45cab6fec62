import { ascending } from './center.ts';

/**
 * What changes by chance: the upper outer fence, Q3 + 3 IQR (Tukey, "Exploratory Data Analysis", section 2D), of the changes
 * between runs of the same thing, without their signs; at least `least`. So perf.rust-lang.org tells noise from news.
 * Fewer than `enough` changes tell nothing, and `least` it is.
 *
 * @param deltas relative changes, such as -0.003
 */
export function noiseFloor(deltas: readonly number[], least: number, enough = 4): number {
  if (deltas.length < enough) return least;
  const sizes = ascending(deltas.map(Math.abs));
  const [lower, upper] = [interpolated(sizes, 0.25), interpolated(sizes, 0.75)];
  return Math.max(least, upper + 3 * (upper - lower));
}

/** Definition 7 of Hyndman and Fan, NumPy's default: between few values a fence should not jump. */
function interpolated(sorted: readonly number[], q: number): number {
  const at = (sorted.length - 1) * q;
  const low = sorted[Math.floor(at)] ?? Number.NaN;
  return low + (at - Math.floor(at)) * ((sorted[Math.ceil(at)] ?? Number.NaN) - low);
}
