import { formatShort } from '../text/format.ts';
import type { LevelChange, Trend } from '../trends/trend.ts';
import { plainLine } from '../text/untrusted-text.ts';
import { html, type Html } from './html.ts';
import { axisOf, linePath, linearTicks, place, plotSvg, type Axis, type Tick } from './plot.ts';
import { thinOut } from './thin-out.ts';

const SIZE = { width: 520, height: 212 } as const;
const PLOT = { left: 58, right: 508, top: 30, bottom: 184 } as const;
/** Points that are drawn one by one; more become a band. */
const MOST_DOTS = 220;

/**
 * The medians of a series in the order of its runs, its levels as lines across, a flag where the level changes, releases as
 * dashed lines. Runs are evenly spaced: nights without a run, and ten runs on one day, would else hide what happened.
 */
export function trendChart(trend: Trend): Html {
  const { series, segments, changes, releases } = trend;
  const values = series.points.map(({ value }) => value);
  const x = axisOf({
    from: 0,
    to: Math.max(1, values.length - 1),
    start: PLOT.left,
    end: PLOT.right,
    ticks: dateTicks(trend),
  });
  const y = valueAxis(values);
  const dots = thinOut(values, Math.floor((PLOT.right - PLOT.left) / 2)).map(
    ([index, value]) => [x.at(index), y.at(value)] as const,
  );
  const marks = [
    ...releaseMarks(releases, x),
    html`<path class="line" d="${linePath(dots)}"></path>`,
    values.length <= MOST_DOTS &&
      html`<path class="dots" d="${dots.map(([cx, cy]) => `M${place(cx)} ${place(cy)}h0`).join('')}"></path>`,
    ...segments.map(
      ({ start, end, level }) =>
        html`<path
          class="level"
          d="M${place(x.at(start) - 2)} ${place(y.at(level))}H${place(x.at(end - 1) + 2)}"
        ></path>`,
    ),
    ...changes.map((change) => flag(change, x, y)),
  ];
  const what = plainLine(`${series.metric} on ${series.host}`, 100);
  const description = `${what}: medians of ${values.length} runs in ${series.unit}, ${changes.length} changes of level`;
  return plotSvg({ ...SIZE, x, y, marks: marks.filter((mark) => mark !== false), description });
}

/** Room for all but the wildest points, which stick to the edge; a steady series does not fill the picture with its noise. */
function valueAxis(values: readonly number[]): Axis {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (q: number): number => sorted[Math.round(q * (sorted.length - 1))] ?? 0;
  const middle = at(0.5);
  const span = Math.max(at(0.99) - at(0.01), Math.abs(middle) * 0.004, 1e-9);
  const isCalm = at(1) - at(0) <= 2 * span;
  const low = (isCalm ? at(0) : at(0.01)) - 0.18 * span;
  const high = (isCalm ? at(1) : at(0.99)) + 0.18 * span;
  const from = middle >= 0 ? Math.max(0, low) : low;
  const round = linearTicks(from, high, 4);
  const ticks = round.map((value) => ({ value, label: tickLabel(value, round) }));
  return axisOf({ from, to: high, start: PLOT.bottom, end: PLOT.top, ticks });
}

/** As short as tells the ticks apart. */
function tickLabel(value: number, all: readonly number[]): string {
  const short = all.map(formatShort);
  return new Set(short).size === short.length ? formatShort(value) : value.toLocaleString('en-US');
}

function dateTicks({ series: { points } }: Trend): Tick[] {
  const last = points.length - 1;
  const indices = last < 1 ? [0] : last < 3 ? [0, last] : [0, Math.round(last / 3), Math.round((2 * last) / 3), last];
  return indices.map((index) => {
    const label = new Date(points[index]?.run.at ?? 0).toISOString().slice(0, 10);
    // Or half of it would stand outside.
    return index === last && last > 0 ? { value: index, label, anchor: 'end' } : { value: index, label };
  });
}

function releaseMarks(releases: Trend['releases'], x: Axis): Html[] {
  let free = Number.NEGATIVE_INFINITY;
  return releases.map(({ index, label }) => {
    const cx = (x.at(index - 1) + x.at(index)) / 2;
    const text = plainLine(label, 26);
    // Labels that would run into each other are left out; the table has them.
    const width = text.length * 6.2;
    const start = Math.min(cx + 4, PLOT.right - width);
    const isShown = start >= free;
    if (isShown) free = start + width + 8;
    return html`<g
      ><title>${label}</title><path class="release" d="M${place(cx)} ${PLOT.top - 14}V${PLOT.bottom}"></path>${
        isShown && html`<text class="start" x="${place(start)}" y="${PLOT.top - 9}">${text}</text>`
      }</g
    >`;
  });
}

function flag(change: LevelChange, x: Axis, y: Axis): Html {
  const [cx, cy] = [x.at(change.index), y.at(change.after)];
  const isUp = change.after > change.before;
  const tone = change.isWorse === undefined ? 'changed' : change.isWorse ? 'worse' : 'better';
  const anchor = cx > PLOT.right - 60 ? 'end' : 'start';
  const ty = isUp ? Math.max(PLOT.top + 10, cy - 9) : Math.min(PLOT.bottom - 6, cy + 18);
  return html`<path
      class="flag ${tone}"
      d="M${place(cx)} ${place(cy)}m-5 ${isUp ? 5 : -5}h10l-5 ${isUp ? -10 : 10}z"
    ></path
    ><text class="${anchor} strong ${tone}" x="${place(cx + (anchor === 'end' ? -8 : 8))}" y="${place(ty)}"
      >${relativeText(change)}</text
    >`;
}

/** `+2.3 %`; what was 0 before has no per cent. */
export function relativeText({ relative }: Pick<LevelChange, 'relative'>): string {
  if (relative === undefined) return 'from 0';
  const percent = 100 * relative;
  const digits = Math.abs(percent) >= 10 ? 0 : Math.abs(percent) >= 1 ? 1 : 2;
  return `${percent > 0 ? '+' : '\u2212'}${Math.abs(percent).toFixed(digits)} %`;
}

const SPARK = { width: 132, height: 26, edge: 3 } as const;

/** The same in the size of a word, without axes. */
export function sparkline({ series, changes }: Trend): Html {
  const values = series.points.map(({ value }) => value);
  const sorted = [...values].sort((a, b) => a - b);
  const [low = 0, high = 0] = [sorted[Math.floor(0.01 * sorted.length)], sorted[Math.ceil(0.99 * sorted.length) - 1]];
  const middle = (low + high) / 2;
  // Noise of some thousandths stays a flat line.
  const half = Math.max((high - low) / 2, Math.abs(middle) * 0.01, 1e-9);
  const { width, height, edge } = SPARK;
  const x = axisOf({ from: 0, to: Math.max(1, values.length - 1), start: edge, end: width - edge, ticks: [] });
  const y = axisOf({ from: middle - half, to: middle + half, start: height - edge, end: edge, ticks: [] });
  const dots = thinOut(values, 40).map(([index, value]) => [x.at(index), y.at(value)] as const);
  const last = dots.at(-1);
  return html`<svg class="spark" viewBox="0 0 ${width} ${height}" aria-hidden="true">
    ${changes.map(
      ({ index, isWorse }) =>
        html`<path
          class="flag ${isWorse === undefined ? 'changed' : isWorse ? 'worse' : 'better'}"
          d="M${place(x.at(index))} 0v${height}"
        ></path>`,
    )}
    <path class="line" d="${linePath(dots)}"></path>
    ${last !== undefined && html`<path class="dots" d="M${place(last[0])} ${place(last[1])}h0"></path>`}
  </svg>`;
}
