import { midranks } from './ranks.ts';
import { rankSumDistribution } from './rank-sum.ts';
import { seededRandom } from './seeded-random.ts';

/** So many ways to part the runs are all looked at; of more, {@link DRAWN} are drawn. */
const MOST_LISTED = 20_000;
const DRAWN = 10_000;
/** Of p values that are the same but for rounding. */
const SAME = 1 + 1e-9;

/** The p values of several tests of the same runs. */
export interface JointTest {
  /** Two-sided, of Mann and Whitney's test, in the order of the rows. */
  readonly ps: number[];
  /** The same, corrected for there being several. */
  readonly adjusted: number[];
}

/**
 * Mann and Whitney's test of every row, corrected for the number of rows by Westfall and Young's step-down minP
 * ("Resampling-Based Multiple Testing", 1993, algorithm 2.8): Holm's procedure, with the least p that the rows would show
 * together if the runs were parted differently, in place of the sum of what each would show alone. It keeps the chance of
 * even one false rejection as Holm's does and never rejects less. With few runs it is what makes a decision possible: five
 * against five cannot have a p below 2/252, which Holm multiplies by the number of metrics, although all of them may have
 * moved together.
 *
 * @param rows of each metric the values of all runs, always in the same order: first the `n` of the one side. Whole runs
 * change sides, so metrics may depend on each other as they like.
 */
export function jointPermutation(rows: readonly (readonly number[])[], n: number): JointTest {
  const total = rows[0]?.length ?? 0;
  const tests = rows.map((row) => {
    const ranks = midranks(row);
    return { ranks: ranks.doubled, distribution: rankSumDistribution(ranks, n) };
  });
  const psOf = (side: Int32Array): number[] =>
    tests.map(({ ranks, distribution }) => {
      let sum = 0;
      for (const index of side) sum += ranks[index] ?? 0;
      return distribution.twoSided(sum);
    });

  const ps = psOf(Int32Array.from({ length: n }, (_, index) => index));
  const order = ps.map((_, index) => index).sort((i, j) => (ps[i] ?? 1) - (ps[j] ?? 1));
  const reached = new Float64Array(rows.length);
  let parted = 0;
  for (const side of partings(total, n)) {
    parted += 1;
    const others = psOf(side);
    let least = 1;
    for (let place = order.length - 1; place >= 0; place -= 1) {
      const row = order[place] ?? 0;
      least = Math.min(least, others[row] ?? 1);
      if (least <= (ps[row] ?? 1) * SAME) reached[row] = (reached[row] ?? 0) + 1;
    }
  }

  const adjusted = ps.map(() => 1);
  let last = 0;
  for (const row of order) {
    last = Math.max(last, ps[row] ?? 1, (reached[row] ?? 0) / parted);
    adjusted[row] = last;
  }
  return { ps, adjusted };
}

/** All ways to choose `n` of `total`, or many of them, the first being 0 to n - 1. The array is used again. */
function* partings(total: number, n: number): Generator<Int32Array> {
  if (waysToPart(total, n) <= MOST_LISTED) yield* combinations(total, n);
  else yield* draws(total, n);
}

/** The binomial coefficient. */
export function waysToPart(total: number, n: number): number {
  let ways = 1;
  for (let k = 1; k <= Math.min(n, total - n); k += 1) ways = (ways * (total - k + 1)) / k;
  return Math.round(ways);
}

function* combinations(total: number, n: number): Generator<Int32Array> {
  const chosen = Int32Array.from({ length: n }, (_, index) => index);
  for (;;) {
    yield chosen;
    let last = n - 1;
    while (last >= 0 && chosen[last] === total - n + last) last -= 1;
    if (last < 0) return;
    let next = (chosen[last] ?? 0) + 1;
    for (let at = last; at < n; at += 1) chosen[at] = next++;
  }
}

/** Always the same ones, so that the same runs always give the same answer. */
function* draws(total: number, n: number): Generator<Int32Array> {
  const random = seededRandom(1);
  const all = Int32Array.from({ length: total }, (_, index) => index);
  yield all.subarray(0, n);
  for (let drawn = 0; drawn < DRAWN; drawn += 1) {
    for (let at = 0; at < n; at += 1) {
      const other = at + Math.floor(random() * (total - at));
      [all[at], all[other]] = [all[other] ?? 0, all[at] ?? 0];
    }
    yield all.subarray(0, n);
  }
}
