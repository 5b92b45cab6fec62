/** The numbers in ascending order; a copy. */
export function ascending(values: readonly number[]): number[] {
  return values.toSorted((a, b) => a - b);
}

/**
 * The middle of numbers in ascending order; of an even count, the mean of the two in the middle. For estimates made of
 * several runs: samples have {@link quantile}, which is always a sample. NaN for no numbers.
 */
export function medianOfSorted(sorted: readonly number[]): number {
  const { length } = sorted;
  const high = sorted[length >> 1] ?? Number.NaN;
  return length % 2 === 1 ? high : ((sorted[(length >> 1) - 1] ?? Number.NaN) + high) / 2;
}

/** The same for numbers in any order. */
export function median(values: readonly number[]): number {
  return medianOfSorted(ascending(values));
}
