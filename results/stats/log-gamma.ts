/** Terms B(2k) / (2k (2k - 1)) of Stirling's series. */
const TERMS = [1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360_360, 1 / 156] as const;

/**
 * The logarithm of the gamma function for `x` > 0, to about 1e-14: Stirling's series (Abramowitz and Stegun, "Handbook of
 * Mathematical Functions", 6.1.41) above 12, and the recurrence 6.1.15 down to there.
 */
export function logGamma(x: number): number {
  let shift = 0;
  let large = x;
  for (; large < 12; large += 1) shift += Math.log(large);
  const series = TERMS.reduceRight((sum, term) => sum / (large * large) + term, 0) / large;
  return (large - 0.5) * Math.log(large) - large + 0.5 * Math.log(2 * Math.PI) + series - shift;
}
