import { processorOf, type Environment } from '../compare/environment.ts';
import type { Metric, Timing, Unit } from '../run-schema.ts';
import { paramsText } from '../run/scenario-place.ts';
import { Environments } from './environment.ts';
import type { RunFigures } from './run-figures.ts';

/** A run, as far as a point of a series needs it. */
export interface SeriesRun {
  readonly id: string;
  /** Where it lies. */
  readonly directory: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** What one run measured of one quantity. */
export interface SeriesPoint {
  readonly run: SeriesRun;
  /** The median; of several repetitions, the median of their medians: the run is the unit. */
  readonly value: number;
  /** The 99th percentile, likewise. */
  readonly p99: number;
  readonly environment: Environment;
}

/** One quantity over the runs: of one metric, in one unit and one kind of time, in one variant, on one host with one processor. */
export interface Series {
  readonly metric: string;
  readonly unit: Unit;
  readonly kind: Timing;
  readonly scenario: string;
  readonly host: string;
  /** `environment=hvm vcpus=2`, or nothing. */
  readonly variant: string;
  /** The host's processor, as it names itself; empty if it is not known. */
  readonly processor: string;
  /** In the order of time. */
  readonly points: readonly SeriesPoint[];
}

type Growing = Omit<Series, 'points'> & { readonly points: SeriesPoint[] };

/** Takes runs in the order of time, and keeps of each no more than its figures. */
export class SeriesBuilder {
  readonly #series = new Map<string, Growing>();
  readonly #environments = new Environments();
  /** A run may be named twice, or be there as a copy. */
  readonly #seen = new Set<string>();

  add(run: RunFigures, directory: string): void {
    if (this.#seen.has(run.id)) return;
    this.#seen.add(run.id);
    const place: SeriesRun = { id: run.id, directory, at: Date.parse(run.startedAt) };
    const hosts = new Map(run.hosts.map((host) => [host.name, this.#environments.of(host, run.ioreqlab)]));
    const measured = new Map<string, { series: Omit<Series, 'points'>; environment: Environment; metrics: Metric[] }>();
    for (const { id: scenario, host, params, verdict, metrics } of run.scenarios) {
      const environment = hosts.get(host);
      // What failed may have measured anything.
      if (environment === undefined || !(verdict === 'pass' || verdict === 'known' || verdict === 'flaky')) continue;
      for (const metric of metrics) {
        const processor = processorOf(environment) ?? '';
        const { name, unit, kind } = metric;
        const series = { metric: name, unit, kind, scenario, host, variant: paramsText(params), processor };
        const key = JSON.stringify(Object.values(series));
        const same = measured.get(key);
        if (same === undefined) measured.set(key, { series, environment, metrics: [metric] });
        else same.metrics.push(metric);
      }
    }
    for (const [key, { series, environment, metrics }] of measured) {
      const known = this.#series.get(key) ?? { ...series, points: [] };
      this.#series.set(key, known);
      const value = medianOf(metrics.map(({ p50 }) => p50));
      known.points.push({ run: place, value, p99: medianOf(metrics.map(({ p99 }) => p99)), environment });
    }
  }

  /** In the order of metric, scenario, variant and host. */
  finish(): Series[] {
    const key = ({ scenario, metric, variant, host, kind, unit, processor }: Series): string =>
      [scenario, metric, variant, host, kind, unit, processor].join('\0');
    const keyed = [...this.#series.values()].map((series) => [key(series), series] as const);
    return keyed.sort(([a], [b]) => collator.compare(a, b)).map(([, series]) => series);
  }
}

const collator = new Intl.Collator('en', { numeric: true });

/** The middle value, or the mean of the two in the middle. */
function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted[sorted.length >> 1] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[(sorted.length >> 1) - 1] ?? upper)) / 2;
}
