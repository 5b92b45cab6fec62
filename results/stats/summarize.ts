import { quantile, sortSamples, type Samples, type SortedSamples } from './quantile.ts';

/** A distribution in a few figures, all in the unit of the samples. Quantiles as {@link quantile} defines them. */
export interface Summary {
  /** How many samples. */
  readonly n: number;
  readonly min: number;
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** Sorts once. Throws a LabError for no samples at all, and for NaN. */
export function summarize(samples: Samples): Summary {
  return summarizeSorted(sortSamples(samples));
}

/** The same for samples that are sorted already. */
export function summarizeSorted(samples: SortedSamples): Summary {
  return {
    n: samples.length,
    min: quantile(samples, 0),
    mean: mean(samples),
    p50: quantile(samples, 0.5),
    p90: quantile(samples, 0.9),
    p99: quantile(samples, 0.99),
    p999: quantile(samples, 0.999),
    max: quantile(samples, 1),
  };
}

/** Neumaier's compensated sum (ZAMM 54, 1974), so that a million of cycle counts lose no digit. */
function mean(samples: SortedSamples): number {
  let sum = 0;
  let lost = 0;
  for (const sample of samples) {
    const next = sum + sample;
    lost += Math.abs(sum) >= Math.abs(sample) ? sum - next + sample : sample - next + sum;
    sum = next;
  }
  return (sum + lost) / samples.length;
}
