/**
 * The lowest and the highest value of each of `buckets` stretches, in their order: what a line through all of them would
 * cover on a screen of that many columns, whatever the number of values. As they are if there are no more than two a bucket.
 */
export function thinOut(values: readonly number[], buckets: number): (readonly [index: number, value: number])[] {
  const all = values.map((value, index) => [index, value] as const);
  if (values.length <= 2 * buckets) return all;
  const kept: (readonly [number, number])[] = [];
  for (let bucket = 0; bucket < buckets; bucket += 1) {
    const start = Math.floor((bucket * values.length) / buckets);
    const end = Math.floor(((bucket + 1) * values.length) / buckets);
    let [low, high] = [start, start];
    for (let index = start; index < end; index += 1) {
      const value = values[index] ?? 0;
      if (value < (values[low] ?? 0)) low = index;
      if (value > (values[high] ?? 0)) high = index;
    }
    for (const index of low === high ? [low] : [Math.min(low, high), Math.max(low, high)]) {
      kept.push([index, values[index] ?? 0]);
    }
  }
  return kept;
}
