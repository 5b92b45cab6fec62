import { formatNumber } from '../text/format.ts';
import { plainLine } from '../text/untrusted-text.ts';
import { nameOf } from './compare-sets.ts';
import type { Comparison, MetricComparison } from './comparison.ts';
import {
  countsText,
  FIGURE_NAMES,
  formatInterval,
  formatP,
  formatShare,
  sideText,
  verdictText,
} from './format-change.ts';

/** The comparison for a merge request: what changed as a table, all the rest folded away. */
export function comparisonMarkdown(comparison: Comparison): string {
  const { a, b, metrics, environment, warnings, figure, kind, counts } = comparison;
  const news = metrics.filter(({ verdict }) => verdict !== 'same' && verdict !== 'undecided');
  const rest = metrics.filter((one) => !news.includes(one));
  const title = counts.worse > 0 ? 'regression' : news.length > 0 ? 'changed' : 'no change found';
  return [
    `### ioreqlab: ${title}, ${countsText(comparison)}`,
    '',
    `- A: ${cell(`${a.label}: ${sideText(a)}`)}`,
    `- B: ${cell(`${b.label}: ${sideText(b)}`)}`,
    `- ${FIGURE_NAMES[figure]} of each run, in ${kind} timing; change by Hodges and Lehmann; p of Mann and Whitney's test, corrected for all metrics`,
    ...warnings.map((text) => `- **${cell(text)}**`),
    '',
    ...(news.length === 0 ? [] : [...table(news), '']),
    ...folded(`${rest.length} without a finding`, rest.length === 0 ? [] : table(rest)),
    ...folded(
      `${environment.length} differences of the environments`,
      environment.length === 0
        ? []
        : [
            '| | A | B |',
            '| --- | --- | --- |',
            ...environment.map(
              (one) => `| ${cell(one.name)} | ${cell(one.a.join('; '))} | ${cell(one.b.join('; '))} |`,
            ),
          ],
    ),
  ].join('\n');
}

function table(metrics: readonly MetricComparison[]): string[] {
  return [
    '| Metric | A | B | Change | p | Noise floor | Verdict |',
    '| --- | ---: | ---: | --- | ---: | ---: | --- |',
    ...metrics.map((one) => {
      const { a, b, change, adjusted, floor, verdict, unit } = one;
      const shown = verdict === 'worse' || verdict === 'better' ? `**${verdict}**` : verdictText(one);
      const figures = [formatNumber(a.median.estimate), formatNumber(b.median.estimate), formatInterval(change)];
      return `| ${[cell(`${nameOf(one)} (${unit})`), ...figures, formatP(adjusted), formatShare(floor.value), shown].join(' | ')} |`;
    }),
  ];
}

function folded(summary: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['<details>', `<summary>${summary}</summary>`, '', ...lines, '', '</details>', ''];
}

/** Text on one line that Markdown, HTML in it, and a table leave as it is. */
function cell(text: string): string {
  return plainLine(text, 500)
    .replace(/[\\`*_|[\]~#]/gu, String.raw`\$&`)
    .replace(/&/gu, '&amp;')
    .replace(/</gu, '&lt;')
    .replace(/>/gu, '&gt;');
}
