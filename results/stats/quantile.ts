import { LabError } from '../../src/errors.ts';

declare const sorted: unique symbol;

/** Samples in ascending order, none of them NaN, at least one. Only {@link sortSamples} makes it: sort once, ask often. */
export type SortedSamples = (Uint32Array | Float64Array) & { readonly [sorted]: true };

/** Samples as they come: 32-bit counts as the guest writes them, or numbers. */
export type Samples = Uint32Array | Float64Array | readonly number[];

/** A sorted copy. Throws a LabError for no samples at all, and for NaN, which has no place in any order. */
export function sortSamples(samples: Samples): SortedSamples {
  if (samples.length === 0) throw badSamples('NO_SAMPLES', 'there are no samples to summarize');
  // Typed arrays sort by value and without a comparator: 100 000 samples take some milliseconds.
  const copy = samples instanceof Uint32Array ? samples.slice() : Float64Array.from(samples);
  copy.sort();
  // NaN sorts to the end.
  if (Number.isNaN(copy.at(-1))) throw badSamples('NAN_SAMPLE', 'a sample is not a number');
  return copy as SortedSamples;
}

function badSamples(code: string, message: string): LabError {
  return new LabError(message, { blame: 'scenario', code });
}

/**
 * The `q`-quantile by nearest rank: the smallest sample that at least `q * n` samples do not exceed. It is the inverse of the
 * empirical distribution function, definition 1 of Hyndman and Fan, "Sample Quantiles in Statistical Packages", The American
 * Statistician 50 (1996) 361-365; NumPy calls it `inverted_cdf`.
 *
 * Chosen over the interpolating definitions (7 is the usual default) because it always is a value that was really measured:
 * instructions stay whole numbers, two-peaked distributions get no median in the gap between the peaks, the far tail is not
 * a mixture of two outliers, and a histogram gives the same answer as the samples.
 *
 * @param q from 0 (the minimum) to 1 (the maximum)
 */
export function quantile(samples: SortedSamples, q: number): number {
  if (!(q >= 0 && q <= 1)) throw new RangeError(`a quantile lies between 0 and 1, not at ${q}`);
  const value = samples[nearestRank(samples.length, q) - 1];
  if (value === undefined) throw new RangeError('no samples');
  return value;
}

/** The rank, from 1 to `n`, of the `q`-quantile. */
export function nearestRank(n: number, q: number): number {
  const exact = n * q;
  // 0.07 * 100 is 7.000000000000001 in binary, and must still be rank 7.
  const whole = Math.round(exact);
  const rank = Math.abs(exact - whole) <= 1e-9 * Math.max(1, exact) ? whole : Math.ceil(exact);
  return Math.min(n, Math.max(1, rank));
}
