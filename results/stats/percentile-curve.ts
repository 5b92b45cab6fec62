import { nearestRank, type SortedSamples } from './quantile.ts';

/** One point of a distribution function: the share `q` of the samples is at most `value`. */
export interface CurvePoint {
  readonly q: number;
  readonly value: number;
}

const BODY_STEPS = 45;
const STEPS_PER_DECADE = 15;

/**
 * The distribution in about a hundred points, denser towards the maximum, where each further 9 of the percentile gets as many
 * points as the one before: what a picture of a long tail needs, whatever the number of samples. From the minimum (`q` = 1/n)
 * to the maximum (`q` = 1), both strictly rising or, for `value`, never falling.
 */
export function percentileCurve(samples: SortedSamples): CurvePoint[] {
  const n = samples.length;
  const ranks = new Set([1]);
  for (let step = 1; step <= BODY_STEPS; step += 1) ranks.add(nearestRank(n, (0.9 * step) / BODY_STEPS));
  for (let tail = 1; 10 ** -(tail / STEPS_PER_DECADE) * 0.1 * n >= 1; tail += 1) {
    ranks.add(nearestRank(n, 1 - 0.1 * 10 ** -(tail / STEPS_PER_DECADE)));
  }
  ranks.add(n);
  return [...ranks].sort((a, b) => a - b).map((rank) => ({ q: rank / n, value: samples[rank - 1] ?? 0 }));
}
