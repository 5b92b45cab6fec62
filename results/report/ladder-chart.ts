import type { CustomSeriesOption, CustomSeriesRenderItemAPI, CustomSeriesRenderItemReturn } from 'echarts';
import { formatNumber } from '../text/format.ts';
import { rungsOf, type Ladder, type Rung } from '../ladder.ts';
import { plainLine } from '../text/untrusted-text.ts';
import { chartSvg } from './chart.ts';
import type { Html } from './html.ts';
import { answererColor, seriesColor } from './palette.ts';

const WIDTH = 1040;
const MARGIN = { left: 190, right: 96, top: 8, bottom: 46 } as const;

/**
 * Medians as bars from zero, a thin line from each to its p99, the median in figures. The axis is linear, so that lengths
 * compare as costs do: half as long is half the price. On a log axis the rungs that matter look alike.
 */
export function ladderChart(ladders: readonly Ladder[]): Html {
  const rungs = rungsOf(ladders);
  const band = ladders.length === 1 ? 44 : ladders.length * 17 + 18;
  const height = rungs.length * band + MARGIN.top + MARGIN.bottom;
  const limit = axisLimit(ladders);
  const series = ladders.map((ladder, index) => bars(ladder, index, ladders.length, rungs, limit));
  const unit = ladders[0]?.unit ?? '';
  const option = {
    grid: { ...MARGIN, containLabel: false },
    xAxis: {
      type: 'value' as const,
      min: 0,
      max: limit,
      name: unit,
      nameLocation: 'middle' as const,
      nameGap: 28,
      nameTextStyle: { color: 'var(--muted)', fontSize: 13 },
      axisLabel: { color: 'var(--muted)', fontSize: 12, formatter: formatNumber, showMaxLabel: false },
      splitLine: { showMaxLine: false, lineStyle: { color: 'var(--line)' } },
    },
    yAxis: {
      type: 'category' as const,
      inverse: true,
      data: rungs.map(({ name }) => name),
      axisTick: { show: false },
      axisLine: { lineStyle: { color: 'var(--axis)' } },
      axisLabel: { margin: 14, formatter: (_name: string, index: number) => rungLabel(rungs[index]), rich: RICH },
    },
    series,
  };
  return chartSvg(
    option,
    { width: WIDTH, height },
    `median cost of each rung of the ladder in ${unit}; the table below has the figures`,
  );
}

const RICH = {
  name: { fontSize: 14, fontWeight: 600, color: 'var(--ink)', align: 'right', lineHeight: 18 },
  about: { fontSize: 12, color: 'var(--muted)', align: 'right', lineHeight: 16 },
} as const;

function rungLabel(rung: Rung | undefined): string {
  if (rung === undefined) return '';
  // Braces and bars are syntax here.
  const name = `{name|${plainLine(rung.name, 24).replace(/[{}|]/gu, ' ')}}`;
  return rung.about === '' ? name : `${name}\n{about|${rung.about}}`;
}

/** The dearest median or p99; an extreme tail is cut off rather than let the bars shrink. */
function axisLimit(ladders: readonly Ladder[]): number {
  const metrics = ladders.flatMap(({ rungs }) => [...rungs.values()]);
  const median = Math.max(1, ...metrics.map(({ p50 }) => p50));
  const tail = Math.max(median, ...metrics.map(({ p99 }) => p99));
  return Math.min(tail, median * 1.6) * 1.02;
}

function bars(ladder: Ladder, index: number, count: number, rungs: readonly Rung[], limit: number): CustomSeriesOption {
  return {
    type: 'custom',
    silent: true,
    clip: false,
    data: rungs.map((_rung, row) => [0, row]),
    renderItem: ({ dataIndex }, api): CustomSeriesRenderItemReturn => {
      const rung = rungs[dataIndex];
      const metric = rung === undefined ? undefined : ladder.rungs.get(rung.name);
      if (rung === undefined || metric === undefined) return null;
      const color = count === 1 ? answererColor(rung.answerer) : seriesColor(index);
      return bar(api, { row: dataIndex, index, count, color, limit, p50: metric.p50, p99: metric.p99 });
    },
  };
}

interface Bar {
  readonly row: number;
  readonly index: number;
  readonly count: number;
  readonly color: string;
  readonly limit: number;
  readonly p50: number;
  readonly p99: number;
}

function bar(
  api: CustomSeriesRenderItemAPI,
  { row, index, count, color, limit, p50, p99 }: Bar,
): CustomSeriesRenderItemReturn {
  const x = (value: number): number => api.coord([Math.min(value, limit), row])[0] ?? 0;
  const middle = api.coord([0, row])[1] ?? 0;
  const step = count === 1 ? 22 : 17;
  const thickness = count === 1 ? 20 : 13;
  const y = middle + (index - (count - 1) / 2) * step;
  // Something to see also for the cheapest.
  const end = Math.max(x(p50), x(0) + 1.5);
  const tail = x(p99);
  const hasTail = tail - end > 3;
  const line = { stroke: 'var(--whisker)', lineWidth: 1.5 };
  const cap = Math.min(5, thickness / 3);
  return {
    type: 'group',
    children: [
      {
        type: 'rect',
        shape: { x: x(0), y: y - thickness / 2, width: end - x(0), height: thickness, r: [0, 2, 2, 0] },
        style: { fill: color },
      },
      ...(hasTail
        ? [
            { type: 'line' as const, shape: { x1: end, y1: y, x2: tail, y2: y }, style: line },
            { type: 'line' as const, shape: { x1: tail, y1: y - cap, x2: tail, y2: y + cap }, style: line },
          ]
        : []),
      {
        type: 'text',
        style: {
          text: formatNumber(p50),
          x: (hasTail ? tail : end) + 7,
          y,
          verticalAlign: 'middle',
          fill: 'var(--ink)',
          fontFamily: 'inherit',
          fontSize: count === 1 ? 13.5 : 12,
        },
      },
    ],
  };
}
