import { formatShort } from '../text/format.ts';
import type { CurvePoint } from '../stats/percentile-curve.ts';
import { plainLine } from '../text/untrusted-text.ts';
import { chartSvg } from './chart.ts';
import type { Html } from './html.ts';
import { logTicks } from './nice-ticks.ts';
import { seriesColor } from './palette.ts';

/** A rung: a curve per ladder, in the order of the ladders; undefined where no samples were kept. */
export interface DistributionPanel {
  readonly name: string;
  readonly about: string;
  readonly curves: readonly (readonly CurvePoint[] | undefined)[];
}

const WIDTH = 1040;
const COLUMNS = 3;
const PANEL = { width: 330, height: 214, gap: 25 } as const;
/** Of the plot within its panel. */
const MARGIN = { left: 58, right: 14, top: 46, bottom: 36 } as const;

/**
 * The whole distribution of each rung: on the y axis the share of accesses that took at most so long, with as much room
 * for 99 to 99.9 % as for 0 to 90 %, because that is where the trouble is. Small multiples, since the rungs lie decades
 * apart and each has a shape of its own to show.
 */
export function distributionChart(panels: readonly DistributionPanel[], unit: string): Html {
  const height = Math.ceil(panels.length / COLUMNS) * PANEL.height;
  const frames = panels.map((panel, index) => frameOf(panel, index));
  const option = {
    title: frames.map(({ title }) => title),
    grid: frames.map(({ grid }) => grid),
    xAxis: frames.map(({ xAxis }) => xAxis),
    yAxis: frames.map(({ yAxis }) => yAxis),
    series: frames.flatMap(({ series }) => series),
  };
  const description = `share of accesses, up to the far tail, that took at most so many ${unit}, for each rung`;
  return chartSvg(option, { width: WIDTH, height }, description);
}

function frameOf({ name, about, curves }: DistributionPanel, index: number) {
  const left = (index % COLUMNS) * (PANEL.width + PANEL.gap);
  const top = Math.floor(index / COLUMNS) * PANEL.height;
  const given = curves.filter((curve) => curve !== undefined);
  const grey = { color: 'var(--muted)', fontSize: 11 };
  const nines = Math.max(1.1, ...given.map((curve) => ninesOf(1, sizeOf(curve))));
  const grid = {
    left: left + MARGIN.left,
    top: top + MARGIN.top,
    width: PANEL.width - MARGIN.left - MARGIN.right,
    height: PANEL.height - MARGIN.top - MARGIN.bottom,
  };
  const axis = { gridIndex: index, splitLine: { lineStyle: { color: 'var(--line)' } } };
  return {
    title: {
      text: plainLine(name, 24),
      subtext: about,
      left: left - 5,
      top,
      itemGap: 2,
      textStyle: { fontSize: 14, fontWeight: 600, color: 'var(--ink)' },
      subtextStyle: { fontSize: 12, color: 'var(--muted)' },
    },
    grid,
    xAxis: { ...axis, ...valueAxis(given), axisLine: { show: true, lineStyle: { color: 'var(--axis)' } } },
    yAxis: {
      ...axis,
      type: 'value' as const,
      min: 0,
      max: nines,
      interval: 1,
      axisLabel: { ...grey, formatter: shareLabel, showMaxLabel: Number.isInteger(nines) },
    },
    series: curves.flatMap((curve, ladder) => (curve === undefined ? [] : [line(curve, index, ladder)])),
  };
}

function line(curve: readonly CurvePoint[], index: number, ladder: number) {
  const n = sizeOf(curve);
  const first = curve[0]?.value ?? 0;
  return {
    type: 'line' as const,
    xAxisIndex: index,
    yAxisIndex: index,
    silent: true,
    symbol: 'none',
    // The share jumps where a value occurs, and stays until the next.
    step: 'end' as const,
    lineStyle: { color: seriesColor(ladder), width: 1.75 },
    data: [[first, 0], ...curve.map(({ q, value }) => [value, ninesOf(q, n)])],
  };
}

/** Log unless all lies within a factor of two, where a log axis would only be harder to read. */
function valueAxis(curves: readonly (readonly CurvePoint[])[]) {
  const values = curves.flatMap((curve) => curve.map(({ value }) => value));
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const axisLabel = { color: 'var(--muted)', fontSize: 11, formatter: formatShort, hideOverlap: true };
  if (low <= 0 || high / low < 2) {
    const margin = Math.max((high - low) * 0.05, Math.abs(high) * 0.01, 1);
    const range = { min: Math.floor(low - margin), max: Math.ceil(high + margin) };
    return {
      type: 'value' as const,
      ...range,
      splitNumber: 3,
      axisLabel: { ...axisLabel, showMinLabel: false, showMaxLabel: false },
    };
  }
  const [min, max] = [low / 1.05, high * 1.05];
  const customValues = logTicks(min, max, 5);
  return { type: 'log' as const, min, max, axisTick: { customValues }, axisLabel: { ...axisLabel, customValues } };
}

/** 0 for nothing, 1 for 90 %, 2 for 99 %; the share of all `n` samples is drawn where the last but one sample is. */
function ninesOf(q: number, n: number): number {
  return -Math.log10(Math.max(1 - q, 1 / n));
}

/** A curve starts with the share of one sample. */
function sizeOf(curve: readonly CurvePoint[]): number {
  return Math.round(1 / (curve[0]?.q ?? 1));
}

function shareLabel(nines: number): string {
  return nines <= 0 ? '0 %' : `${(100 * (1 - 10 ** -nines)).toFixed(Math.max(0, nines - 2))} %`;
}
