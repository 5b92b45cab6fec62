import type { Metric, Timing, Unit } from '../run-schema.ts';
import type { Interval } from '../stats/median-interval.ts';

/** Which figure of a run is compared: one for each run and metric, whatever the number of samples. */
export type Figure = keyof Pick<Metric, 'p50' | 'p90' | 'p99' | 'p999' | 'max'>;

/** One measurement from beginning to end: a run, or one repetition in it. The unit of replication. */
export interface Measurement {
  /** The run's id. */
  readonly run: string;
  readonly directory: string;
  /** Of several in one run; from 1. */
  readonly repetition?: number;
  readonly startedAt: string;
}

/** One of the two sides: measurements of one host, or of hosts that are alike but for the name. */
export interface Side {
  /** As the user named it. */
  readonly label: string;
  readonly host: string;
  /** Version of Xen; several if the runs differ. */
  readonly xen: readonly string[];
  /** In the order of time. */
  readonly measurements: readonly Measurement[];
}

/** Something about the environments that is not the same on both sides, or not within one. */
export interface EnvironmentDifference {
  readonly name: string;
  /** Different values, in the order in which they appear; empty if a side does not say. */
  readonly a: readonly string[];
  readonly b: readonly string[];
}

/**
 * What became of a metric: `changed` is for units of which nobody knows what is better; `same` says that the change is no
 * greater than the noise floor, `undecided` that it may or may not be.
 */
export type ChangeVerdict = 'worse' | 'better' | 'changed' | 'undecided' | 'same';

/** In the order of importance. */
export const CHANGE_VERDICTS: readonly ChangeVerdict[] = ['worse', 'better', 'changed', 'undecided', 'same'];

/** One side of a metric. */
export interface MetricSide {
  /** The figure of each measurement that has it. */
  readonly values: readonly number[];
  /** Which measurements these are: indexes into {@link Side.measurements}. */
  readonly measurements: readonly number[];
  /** Of the values, with its interval. */
  readonly median: Interval;
  /** Samples in all measurements together. */
  readonly samples: number;
}

/** What changes by chance. */
export interface NoiseFloor {
  /** Relative: 0.002 is 0.2 %. */
  readonly value: number;
  /** How many changes between runs of the same thing it was taken from; 0: it is the least that is ever assumed. */
  readonly from: number;
}

/** One metric on both sides. */
export interface MetricComparison {
  readonly scenario: string;
  /** `environment=hvm`, or nothing. */
  readonly variant: string;
  readonly metric: string;
  readonly unit: Unit;
  readonly better: 'less' | 'more' | undefined;
  readonly a: MetricSide;
  readonly b: MetricSide;
  /** From A to B by Hodges and Lehmann, relative: 0.01 is 1 % more. */
  readonly change: Interval;
  /** Two-sided, of Mann and Whitney's exact test. */
  readonly p: number;
  /** That, corrected by Holm for all metrics that were tested; undefined where nothing had to be tested. */
  readonly holm: number | undefined;
  /** That, corrected by Westfall and Young, which decides: never above Holm's. Undefined where nothing had to be tested. */
  readonly adjusted: number | undefined;
  readonly floor: NoiseFloor;
  readonly verdict: ChangeVerdict;
  /** Of an undecided one: how many more runs each side needs, by what is known now; undefined if no reasonable number would do. */
  readonly moreRuns?: number | undefined;
}

/** A comparison of two sides: everything that texts, pages and programs show of it. */
export interface Comparison {
  readonly schema: 1;
  readonly kind: Timing;
  readonly figure: Figure;
  readonly a: Side;
  readonly b: Side;
  /** The chance of even one false `worse`, `better` or `changed` when nothing has changed is at most this. */
  readonly alpha: number;
  /** Of the intervals. */
  readonly confidence: number;
  readonly environment: readonly EnvironmentDifference[];
  /** In the order of scenarios, and in that in which they were measured. */
  readonly metrics: readonly MetricComparison[];
  /** Metrics that only one side has. */
  readonly unmatched: { readonly a: readonly string[]; readonly b: readonly string[] };
  /** What the reader has to know first. */
  readonly warnings: readonly string[];
  readonly counts: Readonly<Record<ChangeVerdict, number>>;
}
