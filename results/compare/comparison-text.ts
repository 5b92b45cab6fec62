import type { Writable } from 'node:stream';
import { formatNumber } from '../text/format.ts';
import { paintFor, type Paint, type Style } from '../text/paint.ts';
import { textTable, type Cell } from '../text/text-table.ts';
import { plainLine } from '../text/untrusted-text.ts';
import { nameOf } from './compare-sets.ts';
import type { ChangeVerdict, Comparison, MetricComparison } from './comparison.ts';
import {
  countsText,
  FIGURE_NAMES,
  formatInterval,
  formatP,
  formatShare,
  groupsOf,
  sideText,
  verdictText,
} from './format-change.ts';

const STYLES: Readonly<Record<ChangeVerdict, Style>> = {
  worse: 'red',
  better: 'green',
  changed: 'yellow',
  undecided: 'magenta',
  same: 'gray',
};

/** The comparison for a terminal. Colours are used only if the stream is one; without it there are none. */
export function comparisonText(comparison: Comparison, stream?: Writable): string {
  const paint = paintFor(stream);
  const { a, b, warnings } = comparison;
  const blocks = [
    [`A  ${plainLine(a.label)}: ${plainLine(sideText(a))}`, `B  ${plainLine(b.label)}: ${plainLine(sideText(b))}`],
    warnings.map((text) => paint('yellow', `warning: ${plainLine(text, 500)}`)),
    environmentTable(comparison, paint),
    metricTable(comparison, paint),
    closing(comparison, paint),
  ];
  return `${blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

function environmentTable({ environment }: Comparison, paint: Paint): string[] {
  if (environment.length === 0) return [];
  const text = (values: readonly string[]): Cell => ({ text: plainLine(values.join(' | ') || '-', 60) });
  const dim = (padded: string): string => paint('gray', padded);
  return textTable([
    ['environments differ', 'A', 'B'].map((name) => ({ text: name, paint: dim })),
    ...environment.map(({ name, a, b }) => [{ text: `  ${plainLine(name)}` }, text(a), text(b)]),
  ]);
}

function metricTable({ metrics, figure, kind }: Comparison, paint: Paint): string[] {
  const dim = (padded: string): string => paint('gray', padded);
  const rows: Cell[][] = [];
  for (const [group, members] of groupsOf(metrics)) {
    rows.push([
      { text: plainLine(group, 60), paint: (padded) => paint('bold', padded) },
      ...['A', 'B'].map((text): Cell => ({ text, align: 'right', paint: dim })),
      { text: 'change', paint: dim },
      ...['p', 'floor'].map((text): Cell => ({ text, align: 'right', paint: dim })),
    ]);
    for (const one of members) rows.push(metricRow(one, paint));
  }
  return [`${FIGURE_NAMES[figure]} (${kind}), p corrected for all metrics`, ...textTable(rows)];
}

function metricRow(one: MetricComparison, paint: Paint): Cell[] {
  const { metric, unit, a, b, change, adjusted, floor, verdict } = one;
  const right = (text: string): Cell => ({ text, align: 'right' });
  return [
    { text: `  ${plainLine(metric, 60)}${unit === 'instructions' || unit === 'cycles' ? '' : ` (${unit})`}` },
    right(formatNumber(a.median.estimate)),
    right(formatNumber(b.median.estimate)),
    { text: formatInterval(change) },
    right(formatP(adjusted)),
    right(formatShare(floor.value)),
    { text: verdictText(one), paint: (padded) => paint(STYLES[verdict], padded) },
  ];
}

function closing(comparison: Comparison, paint: Paint): string[] {
  const { metrics, unmatched, alpha } = comparison;
  const named = (['worse', 'better', 'changed'] as const).flatMap((verdict) =>
    metrics
      .filter((one) => one.verdict === verdict)
      .map((one) => `${paint(STYLES[verdict], verdict)}: ${plainLine(nameOf(one))} ${formatInterval(one.change)}`),
  );
  const onlyOne = (['a', 'b'] as const).flatMap((side) =>
    unmatched[side].length === 0
      ? []
      : [paint('gray', `only in ${side.toUpperCase()}: ${plainLine(unmatched[side].join(', '), 300)}`)],
  );
  return [
    ...named,
    ...onlyOne,
    `${countsText(comparison)} (chance of a false alarm at most ${formatShare(alpha)})`,
    ...undecidedNote(comparison),
  ];
}

function undecidedNote({ metrics, a, b }: Comparison): string[] {
  const more = metrics.flatMap(({ moreRuns }) => moreRuns ?? []);
  if (more.length === 0) return [];
  const have = Math.min(a.measurements.length, b.measurements.length);
  const [least, most] = [Math.min(...more), Math.max(...more)];
  const range = least === most ? `${least}` : `${least} to ${most}`;
  return [`undecided: ${range} more runs a side would probably tell; there are ${have}`];
}
