import { waysToPart } from './joint-permutation.ts';
import { normalQuantile } from './normal.ts';

/** More are not asked of anybody. */
const MOST = 10_000;

/** What is known of a comparison that could not be decided. Changes and deviations are natural logarithms. */
export interface Undecided {
  /** Of one side's runs from each other: the standard deviation. */
  readonly deviation: number;
  /** The estimated change. */
  readonly change: number;
  /** What changes by chance. */
  readonly floor: number;
  /** The level of the test, and how many hypotheses share it. */
  readonly alpha: number;
  readonly hypotheses: number;
  /** Of the interval of the change. */
  readonly confidence: number;
}

/**
 * How many runs each side needs for a decision, with a chance of 80 % if the change is what it seems to be: so many that the
 * interval lies on one side of the noise floor's edge, and that the test can reach its level at all. The usual formula for
 * the difference of two means, 2 ((z_a + z_b) sd / d)^2, times pi/3: the asymptotic efficiency of the Hodges-Lehmann estimate
 * for normal values (Lehmann, "Nonparametrics", section 2.4; Noether, Journal of the American Statistical Association 82, 1987,
 * 645-647). Undefined when no reasonable number would do.
 */
export function runsToDecide({ deviation, change, floor, ...rest }: Undecided): number | undefined {
  const { alpha, hypotheses, confidence } = rest;
  const size = Math.abs(change);
  const power = normalQuantile(0.2);
  const needed = (level: number, distance: number): number =>
    deviation === 0 ? 1 : ((2 * Math.PI) / 3) * (((normalQuantile(level / 2) + power) * deviation) / distance) ** 2;
  const forInterval = needed(1 - confidence, Math.abs(size - floor));
  const forTest = size > floor ? Math.max(needed(alpha / hypotheses, size), leastRuns(alpha / hypotheses)) : 1;
  const runs = Math.ceil(Math.max(2, forInterval, forTest));
  return runs <= MOST ? runs : undefined;
}

/** The least number of runs a side with which Mann and Whitney's test can reach a level: 4 for 0.05, 5 for 0.01. */
export function leastRuns(alpha: number): number {
  let runs = 1;
  while (2 / waysToPart(2 * runs, runs) > alpha && runs < MOST) runs += 1;
  return runs;
}
