/**
 * Holm's step-down correction of p values (Scandinavian Journal of Statistics 6, 1979, 65-70): the chance of even one false
 * rejection among all of them is at most that of the adjusted values. In the order of `ps`.
 */
export function holm(ps: readonly number[]): number[] {
  return stepwise(ps, byP(ps), (p, place) => p * (ps.length - place), Math.max, 0);
}

/**
 * Benjamini and Hochberg's step-up correction (Journal of the Royal Statistical Society B 57, 1995, 289-300): of all that is
 * rejected, the expected share of false rejections is at most that of the adjusted values. In the order of `ps`.
 */
export function benjaminiHochberg(ps: readonly number[]): number[] {
  return stepwise(ps, byP(ps).reverse(), (p, place) => p * (ps.length / (ps.length - place)), Math.min, 1);
}

function byP(ps: readonly number[]): number[] {
  return ps.map((_, index) => index).sort((i, j) => (ps[i] ?? 0) - (ps[j] ?? 0));
}

/** Adjusts one p after the other, never against the order of the p themselves. */
function stepwise(
  ps: readonly number[],
  order: readonly number[],
  adjust: (p: number, place: number) => number,
  keep: (a: number, b: number) => number,
  start: number,
): number[] {
  const adjusted = ps.map(() => 0);
  let last = start;
  for (const [place, index] of order.entries()) {
    last = keep(last, Math.min(1, adjust(ps[index] ?? 1, place)));
    adjusted[index] = last;
  }
  return adjusted;
}
