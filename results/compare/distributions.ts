import { join } from 'node:path';
import { readRun } from '../run/read-run.ts';
import { readSamples } from '../run/samples.ts';
import type { Interval } from '../stats/median-interval.ts';
import { percentileCurve, type CurvePoint } from '../stats/percentile-curve.ts';
import { quantile, sortSamples, type SortedSamples } from '../stats/quantile.ts';
import type { Comparison, MetricComparison, Side } from './comparison.ts';
import { measuredSets, type MeasuredSet, type StoredRun } from './measured-set.ts';
import { relativeChange } from './relative-change.ts';

/** How a quantile changes from A to B. */
export interface Shift {
  /** From 0 to 1. */
  readonly q: number;
  /** Relative, by Hodges and Lehmann from the quantiles of the runs: the run is the unit, not the sample. */
  readonly change: Interval;
}

/** The samples of a metric on both sides. */
export interface Distributions {
  /** Of all runs of the side together. */
  readonly a: readonly CurvePoint[];
  readonly b: readonly CurvePoint[];
  readonly shifts: readonly Shift[];
}

const QUANTILES = [0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999];

/** Reads the samples that the measurements of a comparison have kept, one metric after the other. */
export class SampleReader {
  readonly #comparison: Comparison;
  readonly #sets: Promise<readonly (MeasuredSet | undefined)[]>;

  constructor(comparison: Comparison) {
    this.#comparison = comparison;
    const { a, b, kind } = comparison;
    this.#sets = Promise.all([a, b].map(async (side) => await setOf(side, kind)));
  }

  /** Undefined where a side has kept none, or where somebody has deleted them since. */
  async read(metric: MetricComparison): Promise<Distributions | undefined> {
    const sets = await this.#sets;
    const [a = [], b = []] = await Promise.all(sets.map(async (set) => await samplesOf(set, metric)));
    if (a.length === 0 || b.length === 0) return undefined;
    const least = Math.min(...[...a, ...b].map(({ length }) => length));
    const shifts = QUANTILES.filter((q) => Math.min(q, 1 - q) * least >= 1).map((q): Shift => {
      const [left, right] = [a, b].map((side) => side.map((samples) => quantile(samples, q)));
      return { q, change: relativeChange(left ?? [], right ?? [], this.#comparison.confidence) };
    });
    return { a: curveOf(a), b: curveOf(b), shifts };
  }
}

async function setOf(side: Side, kind: Comparison['kind']): Promise<MeasuredSet | undefined> {
  const directories = [...new Set(side.measurements.map(({ directory }) => directory))];
  const runs: StoredRun[] = [];
  for (const directory of directories) {
    const run = await readRun(directory).catch(() => undefined);
    if (run !== undefined) runs.push({ run, directory });
  }
  return measuredSets(runs).find((set) => set.host === side.host && set.kind === kind);
}

/** Of each measurement that has kept them. */
async function samplesOf(set: MeasuredSet | undefined, metric: MetricComparison): Promise<SortedSamples[]> {
  const { scenario, variant, metric: name, unit } = metric;
  const values = set?.metrics.get(JSON.stringify([scenario, variant, name, unit]))?.values ?? [];
  const found: SortedSamples[] = [];
  for (const [index, value] of values.entries()) {
    const directory = set?.measurements[index]?.directory;
    if (directory === undefined || value?.samples === undefined) continue;
    const samples = await readSamples(join(directory, value.samples)).catch(() => undefined);
    if (samples !== undefined && samples.length > 0) found.push(sortSamples(samples));
  }
  return found;
}

function curveOf(sides: readonly SortedSamples[]): CurvePoint[] {
  const all = new Float64Array(sides.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const samples of sides) {
    all.set(samples, at);
    at += samples.length;
  }
  return percentileCurve(sortSamples(all));
}
