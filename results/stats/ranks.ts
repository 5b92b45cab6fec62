/** Ranks of a pooled sample, doubled so that they are whole numbers: values that tie share the mean of their ranks. */
export interface Ranks {
  /** In the order of the values. */
  readonly doubled: Int32Array;
  /** The sum of t^3 - t over all groups of `t` tied values; 0 when there are none. */
  readonly ties: number;
}

/** Midranks (Lehmann, "Nonparametrics", section 1.4), from 1, times two. */
export function midranks(values: readonly number[]): Ranks {
  const order = values.map((_, index) => index).sort((i, j) => (values[i] ?? 0) - (values[j] ?? 0));
  const doubled = new Int32Array(values.length);
  let ties = 0;
  for (let first = 0; first < order.length;) {
    const value = values[order[first] ?? 0];
    let end = first + 1;
    while (end < order.length && values[order[end] ?? 0] === value) end += 1;
    // Ranks first + 1 to end, whose mean is (first + 1 + end) / 2.
    for (let at = first; at < end; at += 1) doubled[order[at] ?? 0] = first + 1 + end;
    ties += (end - first) ** 3 - (end - first);
    first = end;
  }
  return { doubled, ties };
}
