import type { Trends } from '../report/write-trends.ts';
import { relativeText } from '../report/trend-chart.ts';
import { formatCount, formatNumber } from '../text/format.ts';
import { textTable } from '../text/text-table.ts';
import { plainLine } from '../text/untrusted-text.ts';

const MOST_CHANGES = 20;

/** For a terminal: the newest changes of level, oldest first, and where the page is. */
export function trendsText({ history, trends }: Trends, file: string): string {
  const changes = trends
    .flatMap((trend) => trend.changes.map((change) => ({ trend, change, run: trend.series.points[change.index]?.run })))
    .sort((a, b) => (a.run?.at ?? 0) - (b.run?.at ?? 0));
  const shown = changes.slice(-MOST_CHANGES);
  const rows = shown.map(({ trend: { series }, change, run }) =>
    [
      run?.id ?? '',
      plainLine(series.metric, 40),
      plainLine([series.host, series.variant].join(' ').trim(), 50),
      `${formatNumber(change.before)} -> ${formatNumber(change.after)} ${series.unit} (${series.kind})`,
      relativeText(change).replace('\u2212', '-'),
      change.isWorse === undefined ? '' : change.isWorse ? 'worse' : 'better',
    ].map((text) => ({ text })),
  );
  const left = changes.length - shown.length;
  return [
    ...(left > 0 ? [`${formatCount(left, 'older change')} left out`] : []),
    ...textTable(rows),
    ...history.unreadable.slice(0, 5).map(({ id, why }) => `left out: ${id}: ${plainLine(why, 160)}`),
    `${formatCount(history.runs, 'run')}, ${trends.length} series, ${formatCount(changes.length, 'change')} of level`,
    file,
    '',
  ].join('\n');
}

/** For programs: an object per series, each on a line, then one for the page. */
export function trendLines({ history, trends }: Trends, file: string): string {
  const lines = trends.map(({ series, segments, changes, releases }) => {
    const { points, ...what } = series;
    const at = (index: number) => ({ run: points[index]?.run.id, at: timeOf(points[index]?.run.at) });
    return {
      type: 'series',
      ...what,
      runs: points.length,
      level: segments.at(-1)?.level,
      changes: changes.map(({ index, ...change }) => ({ ...at(index), ...change })),
      releases: releases.map(({ index, label }) => ({ ...at(index), label })),
    };
  });
  const summary = {
    type: 'report',
    file,
    runs: history.runs,
    series: trends.length,
    changes: trends.reduce((sum, { changes }) => sum + changes.length, 0),
    unreadable: history.unreadable,
    from: timeOf(history.from),
    to: timeOf(history.to),
  };
  return [...lines, summary].map((line) => `${JSON.stringify(line)}\n`).join('');
}

function timeOf(at: number | undefined): string | undefined {
  return at === undefined ? undefined : new Date(at).toISOString();
}
