import type { Metric, Timing, Unit } from './run-schema.ts';
import type { Samples } from './stats/quantile.ts';
import { summarize } from './stats/summarize.ts';

/** What is measured, and in which kind of time. */
export interface Quantity {
  /** `<topic>.<what>`, such as `ladder.ts`. */
  readonly name: string;
  readonly unit: Unit;
  readonly kind: Timing;
}

/** The metric for `run.json`. Throws a LabError for no samples at all, and for NaN. */
export function metricFrom({ name, unit, kind }: Quantity, samples: Samples): Metric {
  return { name, unit, kind, ...summarize(samples) };
}
