import type { Comparison, MetricComparison } from '../compare/comparison.ts';
import type { Distributions } from '../compare/distributions.ts';
import { formatChange } from '../compare/format-change.ts';
import { formatShort } from '../text/format.ts';
import { html, type Html } from './html.ts';
import { seriesColor } from './palette.ts';
import { axisOf, linearTicks, place, plotSvg, type Axis } from './plot.ts';

const SIZE = { width: 336, height: 208 } as const;
const PLOT = { left: 58, right: 320, top: 12, bottom: 168 } as const;
/** Room beside the first and the last value, in their distance. */
const BESIDE = 0.5;

/** Quantile by quantile, how much B differs from A, with intervals; the band is what changes by chance. */
export function shiftChart({ shifts }: Distributions, { floor, metric }: MetricComparison): Html {
  const ends = shifts.flatMap(({ change }) => [change.low, change.high]).filter(Number.isFinite);
  const size = Math.max(1.4 * floor.value, ...ends.map(Math.abs)) * 1.08;
  const [low, high] = [
    Math.min(-1.4 * floor.value, ...ends) - 0.06 * size,
    Math.max(1.4 * floor.value, ...ends) + 0.06 * size,
  ];
  const y = axisOf({
    ...{ from: low, to: high, start: PLOT.bottom, end: PLOT.top },
    ticks: linearTicks(low, high, 4).map((value) => ({ value, label: formatChange(value) })),
  });
  // Evenly spaced: the tails are what one looks for.
  const x = axisOf({
    ...{ from: -BESIDE, to: shifts.length - 1 + BESIDE, start: PLOT.left, end: PLOT.right },
    ticks: shifts.flatMap(({ q }, index) => (LABELLED.has(q) ? [{ value: index, label: quantileName(q) }] : [])),
  });
  const marks = [
    band(floor.value, y),
    html`<path class="zero" d="M${PLOT.left} ${place(y.at(0))}H${PLOT.right}"></path>`,
    ...shifts.map(({ change }, index) => {
      const cx = place(x.at(index));
      return html`<path class="whisker" d="M${cx} ${place(y.at(change.low))}V${place(y.at(change.high))}"></path
        ><path class="knots" style="stroke: ${seriesColor(1)}" d="M${cx} ${place(y.at(change.estimate))}h0"></path>`;
    }),
  ];
  return plotSvg({
    ...SIZE,
    x,
    y,
    xName: 'quantile',
    marks,
    description: `change of each quantile of ${metric} from A to B`,
  });
}

const LABELLED = new Set([0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 0.999]);

function quantileName(q: number): string {
  return `p${Number((100 * q).toFixed(1))}`;
}

/** What each run measured, in the order in which they ran: shows drift, and whether the sides took turns. */
export function orderChart(comparison: Comparison, metric: MetricComparison): Html {
  const dots = [comparison.a, comparison.b].flatMap((side, index) => {
    const { values, measurements } = index === 0 ? metric.a : metric.b;
    return values.map((value, at) => {
      const measurement = side.measurements[measurements[at] ?? -1];
      return { value, index, startedAt: measurement?.startedAt ?? '', repetition: measurement?.repetition ?? 0 };
    });
  });
  dots.sort((a, b) => (a.startedAt < b.startedAt ? -1 : a.startedAt > b.startedAt ? 1 : a.repetition - b.repetition));
  const values = dots.map(({ value }) => value);
  const [least, greatest] = [Math.min(...values), Math.max(...values)];
  const margin = Math.max((greatest - least) * 0.12, Math.abs(greatest) * 0.001, 1e-9);
  const ticks = linearTicks(least - margin, greatest + margin, 4);
  const isClear = new Set(ticks.map(formatShort)).size === ticks.length;
  const y = axisOf({
    ...{ from: least - margin, to: greatest + margin, start: PLOT.bottom, end: PLOT.top },
    ticks: ticks.map((value) => ({ value, label: isClear ? formatShort(value) : value.toLocaleString('en-US') })),
  });
  const last = dots.length - 1;
  const x = axisOf({
    ...{ from: -BESIDE, to: last + BESIDE, start: PLOT.left, end: PLOT.right },
    ticks: [...new Set([0, last])].map((value) => ({ value, label: String(value + 1) })),
  });
  const marks = [metric.a, metric.b].map(({ median }, side) => {
    const own = dots.flatMap(({ value, index }, at) =>
      index === side ? [`M${place(x.at(at))} ${place(y.at(value))}h0`] : [],
    );
    return html`<g style="stroke: ${seriesColor(side)}">
      <path class="median" d="M${PLOT.left} ${place(y.at(median.estimate))}H${PLOT.right}"></path>
      <path class="knots" d="${own.join('')}"></path>
    </g>`;
  });
  return plotSvg({
    ...SIZE,
    x,
    y,
    xName: 'run, in order',
    marks,
    description: `${metric.metric} of each run in their order`,
  });
}

/** What changes by chance, around no change. */
function band(floor: number, y: Axis): Html {
  const [top, bottom] = [y.at(floor), y.at(-floor)];
  return html`<rect
    class="noise"
    x="${PLOT.left}"
    y="${place(top)}"
    width="${PLOT.right - PLOT.left}"
    height="${place(Math.max(0.5, bottom - top))}"
  ></rect>`;
}

const FOREST = { width: 150, height: 22 } as const;

/** The change of one metric with its interval, on the scale of its table; the band is its noise floor. */
export function changeMark({ change, floor, verdict }: MetricComparison, limit: number): Html {
  const { width, height } = FOREST;
  const x = axisOf({ from: -limit, to: limit, start: 4, end: width - 4, ticks: [] });
  const middle = height / 2;
  const [left, right] = [x.at(-floor.value), x.at(floor.value)];
  return html`<svg class="forest ${verdict}" viewBox="0 0 ${width} ${height}" aria-hidden="true">
    <rect class="noise" x="${place(left)}" y="2" width="${place(right - left)}" height="${height - 4}"></rect>
    <path class="zero" d="M${place(x.at(0))} 0V${height}"></path>
    <path class="whisker" d="M${place(x.at(change.low))} ${middle}H${place(x.at(change.high))}"></path>
    <path class="knots" d="M${place(x.at(change.estimate))} ${middle}h0"></path>
  </svg>`;
}

/** How far {@link changeMark} reaches to both sides: the greatest interval, but for a few that would squeeze all others. */
export function changeLimit(metrics: readonly MetricComparison[]): number {
  const sizes = metrics
    .flatMap(({ change, floor }) => [Math.abs(change.low), Math.abs(change.high), 1.5 * floor.value])
    .filter(Number.isFinite)
    .sort((a, b) => a - b);
  return Math.max(1e-6, sizes[Math.floor(0.95 * (sizes.length - 1))] ?? 0) * 1.1;
}
