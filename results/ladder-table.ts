import { formatNumber, formatRatio } from './text/format.ts';
import { ratioOf, rungsOf, YARDSTICKS, type Ladder } from './ladder.ts';
import type { Paint, Style } from './text/paint.ts';
import { textTable, type Cell } from './text/text-table.ts';
import { plainLine } from './text/untrusted-text.ts';

/** The medians of some ladders side by side and their ratios, as lines; a ladder that stands alone shows its p99 too. */
export function ladderTable(ladders: readonly Ladder[], paint: Paint): string[] {
  const [first] = ladders;
  if (first === undefined) return [];
  const isAlone = ladders.length === 1;
  const right = (text: string | undefined, style?: Style): Cell => ({
    text: text ?? '',
    align: 'right',
    paint: style === undefined ? undefined : (padded) => paint(style, padded),
  });
  const value = (text: number | undefined): Cell => right(text === undefined ? undefined : formatNumber(text));
  const dim = (padded: string): string => paint('gray', padded);

  const labels = [...ladders.map(({ label }) => plainLine(label)), ...(isAlone ? ['p99'] : [])];
  const header = [{ text: '' }, ...labels.map((label) => right(label, 'gray'))];
  const medians = rungsOf(ladders).map(({ name, about }) => [
    { text: `  ${plainLine(name)}` },
    ...ladders.map(({ rungs }) => value(rungs.get(name)?.p50)),
    ...(isAlone ? [value(first.rungs.get(name)?.p99)] : []),
    { text: about, paint: dim },
  ]);
  const ratios = YARDSTICKS.flatMap(([rung, yardstick]) => {
    const values = ladders.map((ladder) => ratioOf(ladder, rung, yardstick));
    if (values.every((ratio) => ratio === undefined)) return [];
    const cells = values.map((ratio) => right(ratio === undefined ? undefined : formatRatio(ratio), 'bold'));
    return [[{ text: `  ${rung} / ${yardstick}` }, ...cells]];
  });
  return [`ladder: medians in ${first.unit} (${first.kind})`, ...textTable([header, ...medians, ...ratios])];
}
