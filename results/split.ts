import { RUNGS } from './ladder.ts';
import type { Metric, Run, Timing, Unit } from './run-schema.ts';
import { variantText } from './verdict-rows.ts';

/** The parts of a round trip, in their order; the metrics are `split.<rung>.<part>`. */
export const PARTS = ['out', 'device-model', 'in'] as const;
export type Part = (typeof PARTS)[number];

/** Where the time of one rung goes. */
export interface Split {
  /** As in `ladder.<rung>`. */
  readonly rung: string;
  readonly parts: Readonly<Record<Part, Metric>>;
  /** Of the whole round trip, if the same scenario measured it. Medians of parts need not add up to it. */
  readonly whole: Metric | undefined;
}

/** The splits of one host in one unit. */
export interface Splits {
  /** The host, with its variant if it has several. */
  readonly label: string;
  readonly unit: Unit;
  readonly kind: Timing;
  /** In the order of the ladder. */
  readonly rungs: readonly Split[];
}

/** All splits of a run; a rung of which a part is missing is left out. */
export function splitsOf({ scenarios }: Pick<Run, 'scenarios'>): Splits[] {
  const records = scenarios.filter(({ metrics }) => metrics.some(({ name }) => partOf(name) !== undefined));
  return records.flatMap((record) => {
    const alone = records.filter(({ host }) => host === record.host).length === 1;
    const label = alone ? record.host : `${record.host} ${variantText(record)}`.trimEnd();
    const kinds = new Map(record.metrics.map(({ unit, kind }) => [`${kind} ${unit}`, { unit, kind }]));
    return [...kinds.values()].flatMap(({ unit, kind }): Splits[] => {
      const own = record.metrics.filter((metric) => metric.unit === unit && metric.kind === kind);
      const rungs = rungsOf(own);
      return rungs.length === 0 ? [] : [{ label, unit, kind, rungs }];
    });
  });
}

/** The rung and the part that a metric is of; undefined for other metrics. */
function partOf(name: string): { rung: string; part: Part } | undefined {
  const [, rung = '', end] = /^split\.(.+)\.([a-z-]+)$/.exec(name) ?? [];
  const part = PARTS.find((one) => one === end);
  return part === undefined ? undefined : { rung, part };
}

function rungsOf(metrics: readonly Metric[]): Split[] {
  const found = new Map<string, Partial<Record<Part, Metric>>>();
  for (const metric of metrics) {
    const of = partOf(metric.name);
    if (of !== undefined) found.set(of.rung, { ...found.get(of.rung), [of.part]: metric });
  }
  const order = (rung: string): number => {
    const index = RUNGS.findIndex(({ name }) => name === rung);
    return index < 0 ? RUNGS.length : index;
  };
  return [...found]
    .flatMap(([rung, { out, 'device-model': model, in: back }]): Split[] => {
      if (out === undefined || model === undefined || back === undefined) return [];
      const whole = metrics.find(({ name }) => name === `ladder.${rung}`);
      return [{ rung, parts: { out, 'device-model': model, in: back }, whole }];
    })
    .sort((a, b) => order(a.rung) - order(b.rung));
}
