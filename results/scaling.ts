import type { Metric, Run, Timing, Unit } from './run-schema.ts';
import { variantText } from './verdict-rows.ts';

/** How one quantity grows: medians over a count. */
export interface ScalingLine {
  /** What is measured, such as `ts`. */
  readonly name: string;
  /** Rising by `count`. */
  readonly points: readonly { readonly count: number; readonly metric: Metric }[];
}

/** All that one scenario on one host measured over the same count. */
export interface Scaling {
  /** What is counted: the metrics' first word, such as `vcpus`. */
  readonly topic: string;
  /** The host, with its variant if it has several. */
  readonly label: string;
  readonly unit: Unit;
  readonly kind: Timing;
  readonly lines: readonly ScalingLine[];
}

/** Metrics named `<topic>.<count>.<what>`, such as `vcpus.4.ts`, of which there are at least two counts. */
export function scalingsOf({ scenarios }: Pick<Run, 'scenarios'>): Scaling[] {
  const records = scenarios.filter(({ metrics }) => metrics.some((metric) => stepOf(metric) !== undefined));
  return records
    .flatMap((record) => {
      const alone = records.filter(({ host, id }) => host === record.host && id === record.id).length === 1;
      const label = alone ? record.host : `${record.host} ${variantText(record)}`.trimEnd();
      const groups = new Map<
        string,
        { head: Omit<Scaling, 'lines'>; lines: Map<string, { count: number; metric: Metric }[]> }
      >();
      for (const metric of record.metrics) {
        const step = stepOf(metric);
        if (step === undefined) continue;
        const { unit, kind } = metric;
        const key = JSON.stringify([step.topic, unit, kind]);
        const group = groups.get(key) ?? { head: { topic: step.topic, label, unit, kind }, lines: new Map() };
        groups.set(key, group);
        group.lines.set(step.name, [...(group.lines.get(step.name) ?? []), { count: step.count, metric }]);
      }
      return [...groups.values()].map(({ head, lines }): Scaling => {
        const drawn = [...lines].map(([name, points]) => ({ name, points: points.sort((a, b) => a.count - b.count) }));
        return { ...head, lines: drawn.filter(({ points }) => points.length > 1) };
      });
    })
    .filter(({ lines }) => lines.length > 0);
}

function stepOf({ name }: Metric): { topic: string; count: number; name: string } | undefined {
  const [, topic = '', count, what = ''] = /^([a-z][\w-]*)\.(\d{1,9})\.(.+)$/i.exec(name) ?? [];
  return count === undefined ? undefined : { topic, count: Number(count), name: what };
}
