import { normalTail } from './normal.ts';
import { midranks, type Ranks } from './ranks.ts';

/** Steps of counting beyond which the normal approximation is used: some milliseconds. */
const MOST_STEPS = 5_000_000;

/** What is known of two samples that are alike: how likely each sum of ranks of the first one is. */
export interface RankSumDistribution {
  readonly method: 'exact' | 'normal';
  /** The two-sided p of a doubled rank sum of the first sample. */
  twoSided(doubledSum: number): number;
}

/** The result of a Mann-Whitney test. */
export interface MannWhitney {
  /** How often a value of `a` exceeds one of `b`, ties counting one half. */
  readonly u: number;
  /** Two-sided. 1 when all values are the same. */
  readonly p: number;
  readonly method: RankSumDistribution['method'];
}

/**
 * Mann and Whitney's U (Annals of Mathematical Statistics 18, 1947, 50-60), with the exact permutation distribution, ties
 * included, as long as that can be counted quickly (well beyond 20 values a side), and else the normal approximation of
 * {@link rankSumDistribution}.
 */
export function mannWhitney(a: readonly number[], b: readonly number[]): MannWhitney {
  const ranks = midranks([...a, ...b]);
  const distribution = rankSumDistribution(ranks, a.length);
  let sum = 0;
  for (let index = 0; index < a.length; index += 1) sum += ranks.doubled[index] ?? 0;
  return { u: (sum - a.length * (a.length + 1)) / 2, p: distribution.twoSided(sum), method: distribution.method };
}

/**
 * The distribution of the rank sum of `n` values out of a pooled sample, when all choices are alike: counted (Streitberg and
 * Roehmel's shift algorithm, Statistical Software Newsletter 12, 1986, 10-17, which takes ties as they are), or, for large
 * samples, normal with the correction for ties (Lehmann, "Nonparametrics", 1.33) and for continuity. The two-sided p is
 * twice the smaller tail, at most 1, as SciPy has it.
 */
export function rankSumDistribution(ranks: Ranks, n: number): RankSumDistribution {
  const total = ranks.doubled.length;
  const size = Math.min(n, total - n);
  const most = ranks.doubled
    .toSorted()
    .subarray(total - size)
    .reduce((sum, rank) => sum + rank, 0);
  return total * size * (most + 1) <= MOST_STEPS ? counted(ranks, n, size, most) : approximated(ranks, n);
}

/** Of the smaller sample, since the other's rank sum follows from it. */
function counted({ doubled }: Ranks, n: number, size: number, most: number): RankSumDistribution {
  const width = most + 1;
  const counts = new Float64Array((size + 1) * width);
  counts[0] = 1;
  let seen = 0;
  for (const rank of doubled) {
    seen += 1;
    for (let k = Math.min(size, seen); k >= 1; k -= 1) {
      const [to, from] = [k * width, (k - 1) * width - rank];
      for (let sum = rank; sum <= most; sum += 1)
        counts[to + sum] = (counts[to + sum] ?? 0) + (counts[from + sum] ?? 0);
    }
  }
  const row = counts.subarray(size * width);
  const atMost = new Float64Array(width);
  let cumulated = 0;
  for (let sum = 0; sum <= most; sum += 1) atMost[sum] = cumulated += row[sum] ?? 0;
  const all = doubled.reduce((sum, rank) => sum + rank, 0);
  return {
    method: 'exact',
    twoSided: (doubledSum) => {
      const sum = size === n ? doubledSum : all - doubledSum;
      const left = atMost[sum] ?? 0;
      const right = cumulated - (atMost[sum - 1] ?? 0);
      return Math.min(1, (2 * Math.min(left, right)) / cumulated);
    },
  };
}

function approximated({ doubled, ties }: Ranks, n: number): RankSumDistribution {
  const total = doubled.length;
  const m = total - n;
  const deviation = Math.sqrt(((n * m) / 12) * (total + 1 - ties / (total * (total - 1))));
  const expected = (n * (total + 1)) / 2;
  return {
    method: 'normal',
    twoSided: (doubledSum) => {
      if (!(deviation > 0)) return 1;
      const beyond = Math.max(0, Math.abs(doubledSum / 2 - expected) - 0.5);
      return Math.min(1, 2 * normalTail(beyond / deviation));
    },
  };
}
