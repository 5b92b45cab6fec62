import type { Metric, Run, ScenarioRecord, Timing, Unit } from './run-schema.ts';
import { paramsText } from './run/scenario-place.ts';
import { variantText } from './verdict-rows.ts';

/** Who answers the guest's access; pictures colour rungs by it. */
export type Answerer = 'processor' | 'xen' | 'c' | 'ts' | 'qemu';

/** One step of the ladder. */
export interface Rung {
  /** The metric is `ladder.<name>`. */
  readonly name: string;
  /** What the guest does and who answers, in a few words. */
  readonly about: string;
  readonly answerer: Answerer;
}

/** The rungs as the ladder is read: from no exit at all to a whole device model. What each costs is to be seen. */
export const RUNGS: readonly Rung[] = [
  { name: 'rdtsc', about: 'no exit', answerer: 'processor' },
  { name: 'cpuid', about: 'exit, no emulation', answerer: 'xen' },
  { name: 'xen', about: 'port that Xen answers', answerer: 'xen' },
  { name: 'unclaimed', about: 'port of nobody', answerer: 'xen' },
  { name: 'c-spin', about: 'C, spinning', answerer: 'c' },
  { name: 'ts-spin', about: 'TypeScript, spinning', answerer: 'ts' },
  { name: 'c-adaptive', about: 'C, spinning as long as it pays', answerer: 'c' },
  { name: 'ts-adaptive', about: 'TypeScript, the same', answerer: 'ts' },
  { name: 'c', about: 'C, blocking', answerer: 'c' },
  { name: 'ts', about: 'TypeScript, blocking', answerer: 'ts' },
  { name: 'qemu', about: 'port that QEMU answers', answerer: 'qemu' },
];

/** The ratios that say how good we are: the first rung over the second, from the same boot of the same guest. */
export const YARDSTICKS = [
  ['ts', 'c'],
  ['ts', 'qemu'],
  ['ts-spin', 'c-spin'],
  ['ts-spin', 'qemu'],
  ['c', 'qemu'],
] as const satisfies (readonly [string, string])[];

/** The ladder of one host in one run. */
export interface Ladder {
  /** The host, with its variant if it has several ladders. */
  readonly label: string;
  readonly unit: Unit;
  readonly kind: Timing;
  /** By rung name. */
  readonly rungs: ReadonlyMap<string, Metric>;
}

const PREFIX = 'ladder.';

/**
 * All ladders of a run, in groups that may share an axis and a table: same unit and same kind of time. Of repetitions there is
 * one ladder, with each rung from the repetition in the middle.
 */
export function laddersOf(run: Run): Ladder[][] {
  const groups = new Map<string, Ladder[]>();
  const climbed = middleOnes(run.scenarios.filter(({ metrics }) => metrics.some(isRung)));
  for (const record of climbed) {
    const alone = climbed.filter(({ host }) => host === record.host).length === 1;
    const label = alone ? record.host : `${record.host} ${variantText(record)}`.trimEnd();
    for (const ladder of laddersOfRecord(record, label)) {
      const key = `${ladder.kind} ${ladder.unit}`;
      groups.set(key, [...(groups.get(key) ?? []), ladder]);
    }
  }
  return [...groups.values()];
}

/** One record for all repetitions: of each metric that with the middle median, the lower one of two. */
function middleOnes(records: readonly ScenarioRecord[]): ScenarioRecord[] {
  const variants = new Map<string, ScenarioRecord[]>();
  for (const record of records) {
    const key = JSON.stringify([record.id, record.host, paramsText(record.params)]);
    variants.set(key, [...(variants.get(key) ?? []), record]);
  }
  return [...variants.values()].flatMap((repetitions) => {
    const [first] = repetitions;
    if (first === undefined || repetitions.length === 1) return repetitions;
    const byName = new Map<string, Metric[]>();
    for (const metric of repetitions.flatMap(({ metrics }) => metrics)) {
      byName.set(metric.name, [...(byName.get(metric.name) ?? []), metric]);
    }
    const metrics = [...byName.values()].flatMap((all) => {
      const sorted = all.toSorted((a, b) => a.p50 - b.p50);
      return sorted.slice((sorted.length - 1) >> 1, ((sorted.length - 1) >> 1) + 1);
    });
    const { repetition: _repetition, ...record } = first;
    return [{ ...record, metrics }];
  });
}

/** The rungs that at least one of the ladders has, in their order; unknown ones last, by name. */
export function rungsOf(ladders: readonly Ladder[]): Rung[] {
  const names = new Set(ladders.flatMap(({ rungs }) => [...rungs.keys()]));
  const known = RUNGS.filter(({ name }) => names.delete(name));
  return [...known, ...[...names].sort().map((name): Rung => ({ name, about: '', answerer: 'xen' }))];
}

/** Median of one rung over that of another; undefined if either is missing or zero. */
export function ratioOf(ladder: Ladder, rung: string, yardstick: string): number | undefined {
  const above = ladder.rungs.get(rung)?.p50;
  const below = ladder.rungs.get(yardstick)?.p50;
  return above === undefined || below === undefined || below <= 0 ? undefined : above / below;
}

/** True for metrics of the ladder: `ladder.<rung>`. */
export function isRung({ name }: Metric): boolean {
  return name.startsWith(PREFIX);
}

/** One ladder, unless a scenario measured in several units. */
function laddersOfRecord(record: ScenarioRecord, label: string): Ladder[] {
  const byUnit = new Map<string, Metric[]>();
  for (const metric of record.metrics.filter(isRung)) {
    const key = `${metric.kind} ${metric.unit}`;
    byUnit.set(key, [...(byUnit.get(key) ?? []), metric]);
  }
  return [...byUnit.values()].flatMap((metrics) => {
    const [first] = metrics;
    if (first === undefined) return [];
    const rungs = new Map(metrics.map((metric) => [metric.name.slice(PREFIX.length), metric]));
    return [{ label, unit: first.unit, kind: first.kind, rungs }];
  });
}
