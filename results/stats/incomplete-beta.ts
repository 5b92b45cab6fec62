import { logGamma } from './log-gamma.ts';

const ENOUGH = 1e-16;
const MOST_TERMS = 10_000;

/**
 * The regularized incomplete beta function I_x(a, b) for `a`, `b` > 0 and 0 <= `x` <= 1: the continued fraction 26.5.8 of
 * Abramowitz and Stegun, evaluated by Lentz's method (Applied Optics 15, 1976, 668), on the side of the symmetry 26.5.2
 * where it converges fast.
 */
export function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a);
  const front = a * Math.log(x) + b * Math.log1p(-x) + logGamma(a + b) - logGamma(a) - logGamma(b) - Math.log(a);
  return Math.exp(front) / fraction(x, a, b);
}

/** 1 + d1/(1 + d2/(1 + ...)) */
function fraction(x: number, a: number, b: number): number {
  let value = 1;
  let above = 1;
  let below = 0;
  for (let term = 1; term < MOST_TERMS; term += 1) {
    const m = Math.floor(term / 2);
    const d =
      term % 2 === 0
        ? (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m))
        : (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    above = nonZero(1 + d / above);
    below = 1 / nonZero(1 + d * below);
    const factor = above * below;
    value *= factor;
    if (Math.abs(factor - 1) < ENOUGH) break;
  }
  return value;
}

function nonZero(value: number): number {
  return Math.abs(value) < 1e-300 ? 1e-300 : value;
}
