import type { HostRecord, Metric, Run, Timing, Unit } from '../run-schema.ts';
import { paramsText } from '../run/scenario-place.ts';
import type { Measurement } from './comparison.ts';
import { environmentOf, type Environment } from './environment.ts';

/** A finished run and where it lies. */
export interface StoredRun {
  readonly run: Run;
  readonly directory: string;
}

/** What names a metric, whatever the host. */
export interface MetricKey {
  readonly scenario: string;
  readonly variant: string;
  readonly metric: string;
  readonly unit: Unit;
}

/** Everything that was measured on one host in one kind of time, over some runs. */
export interface MeasuredSet {
  readonly host: string;
  readonly kind: Timing;
  /** In the order of time; those that measured nothing are left out. */
  readonly measurements: readonly Measurement[];
  /** Of each measurement. */
  readonly environments: readonly Environment[];
  readonly hosts: readonly HostRecord[];
  /** By the text of the key; of each measurement its metric, if it has it. */
  readonly metrics: ReadonlyMap<string, { readonly key: MetricKey; readonly values: readonly (Metric | undefined)[] }>;
}

/** Only what was measured as it should have been; what failed may have measured anything. */
const SOUND: ReadonlySet<string> = new Set(['pass', 'known', 'flaky']);

interface Growing {
  readonly measurement: Measurement;
  readonly environment: Environment;
  readonly host: HostRecord;
  readonly kind: Timing;
  readonly metrics: Map<string, { key: MetricKey; metric: Metric }>;
}

/** The sets of some runs: one for each host and kind of time. A repetition is a measurement of its own. */
export function measuredSets(runs: readonly StoredRun[]): MeasuredSet[] {
  const found = new Map<string, Growing[]>();
  for (const one of [...runs].sort((x, y) => (x.run.startedAt < y.run.startedAt ? -1 : 1))) {
    for (const measurement of measurementsOf(one)) {
      const key = JSON.stringify([measurement.host.name, measurement.kind]);
      found.set(key, [...(found.get(key) ?? []), measurement]);
    }
  }
  return [...found.values()].flatMap((measurements) => {
    const [first] = measurements;
    if (first === undefined) return [];
    const keys = new Map(measurements.flatMap(({ metrics }) => [...metrics].map(([text, { key }]) => [text, key])));
    const metrics = [...keys].map(([text, key]): [string, { key: MetricKey; values: (Metric | undefined)[] }] => [
      text,
      { key, values: measurements.map((one) => one.metrics.get(text)?.metric) },
    ]);
    return [
      {
        host: first.host.name,
        kind: first.kind,
        measurements: measurements.map(({ measurement }) => measurement),
        environments: measurements.map(({ environment }) => environment),
        hosts: measurements.map(({ host }) => host),
        metrics: new Map(metrics),
      },
    ];
  });
}

function measurementsOf({ run, directory }: StoredRun): Growing[] {
  const hosts = new Map(run.hosts.map((host) => [host.name, host]));
  const found = new Map<string, Growing>();
  for (const record of run.scenarios) {
    const host = hosts.get(record.host);
    if (host === undefined || !SOUND.has(record.verdict)) continue;
    const { repetition, startedAt = run.startedAt } = record;
    const variant = paramsText(record.params);
    for (const metric of record.metrics) {
      const where = JSON.stringify([host.name, metric.kind, repetition]);
      const measurement = { run: run.id, directory, startedAt, ...(repetition === undefined ? {} : { repetition }) };
      const known = found.get(where) ?? {
        ...{ measurement, host, kind: metric.kind, metrics: new Map() },
        environment: environmentOf(host, run.ioreqlab),
      };
      const key = { scenario: record.id, variant, metric: metric.name, unit: metric.unit };
      known.metrics.set(JSON.stringify(Object.values(key)), { key, metric });
      found.set(where, known);
    }
  }
  return [...found.values()].sort((x, y) => (x.measurement.repetition ?? 0) - (y.measurement.repetition ?? 0));
}
