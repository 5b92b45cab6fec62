import { incompleteBeta } from './incomplete-beta.ts';

/**
 * The two-sided p of Student's t with `degrees` of freedom: Abramowitz and Stegun, 26.7.1. 0 for an infinite `t`.
 */
export function studentTwoSided(t: number, degrees: number): number {
  return incompleteBeta(degrees / (degrees + t * t), degrees / 2, 0.5);
}
