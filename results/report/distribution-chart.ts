import type { CurvePoint } from '../stats/percentile-curve.ts';
import { formatShort } from '../text/format.ts';
import { plainLine } from '../text/untrusted-text.ts';
import { html, type Html } from './html.ts';
import { logTicks } from './nice-ticks.ts';
import { seriesColor } from './palette.ts';
import { axisOf, linearTicks, plotSvg, stepPath, type Axis } from './plot.ts';

/** A rung: a curve per ladder, in the order of the ladders; undefined where no samples were kept. */
export interface DistributionPanel {
  readonly name: string;
  readonly about: string;
  readonly curves: readonly (readonly CurvePoint[] | undefined)[];
}

const SIZE = { width: 336, height: 196 } as const;
const PLOT = { left: 54, right: 318, top: 12, bottom: 172 } as const;

/**
 * The whole distribution of each rung: on the y axis the share of accesses that took at most so long, with as much room
 * for 99 to 99.9 % as for 0 to 90 %, because that is where the trouble is. Small multiples, since the rungs lie decades
 * apart and each has a shape of its own to show.
 */
export function distributionChart(panels: readonly DistributionPanel[], unit: string): Html {
  return html`<div class="panels">
    ${panels.map(
      (panel) =>
        html`<figure>
          <figcaption><b>${plainLine(panel.name, 40)}</b><small>${panel.about}</small></figcaption>
          ${distributionPanel(panel, unit)}
        </figure>`,
    )}
  </div>`;
}

/** One of the pictures. */
export function distributionPanel({ name, curves }: DistributionPanel, unit: string): Html {
  const given = curves.filter((curve) => curve !== undefined);
  const nines = Math.max(1.1, ...given.map((curve) => ninesOf(1, sizeOf(curve))));
  const shares = Array.from({ length: Math.floor(nines) + 1 }, (_, value) => ({ value, label: shareLabel(value) }));
  const x = valueAxis(given);
  const y = axisOf({ from: 0, to: nines, start: PLOT.bottom, end: PLOT.top, ticks: shares });
  const marks = curves.flatMap((curve, index) => {
    if (curve === undefined) return [];
    const n = sizeOf(curve);
    // The share jumps where a value occurs, and stays until the next.
    const places = curve.map(({ q, value }) => [x.at(value), y.at(ninesOf(q, n))] as const);
    const start = [x.at(curve[0]?.value ?? 0), y.at(0)] as const;
    return [
      html`<path class="curve" style="stroke: ${seriesColor(index)}" d="${stepPath([start, ...places])}"></path>`,
    ];
  });
  const description = `share of accesses, up to the far tail, that took at most so many ${unit}: ${plainLine(name, 60)}`;
  return plotSvg({ ...SIZE, x, y, marks, description });
}

/** Log unless all lies within a factor of two, where a log axis would only be harder to read. */
function valueAxis(curves: readonly (readonly CurvePoint[])[]): Axis {
  const values = curves.flatMap((curve) => curve.map(({ value }) => value));
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const ends = { start: PLOT.left + 4, end: PLOT.right };
  if (!(low > 0) || high / low < 2) {
    const margin = Math.max((high - low) * 0.05, Math.abs(high) * 0.01, 1);
    const [from, to] = [low - margin, high + margin];
    return axisOf({ from, to, ...ends, ticks: labelled(linearTicks(from, to, 4)) });
  }
  const [from, to] = [low / 1.05, high * 1.05];
  return axisOf({ from, to, ...ends, ticks: labelled(logTicks(from, to, 5)), transform: Math.log });
}

/** As short as tells the ticks apart. */
function labelled(values: readonly number[]) {
  const isClear = new Set(values.map(formatShort)).size === values.length;
  return values.map((value) => ({ value, label: isClear ? formatShort(value) : value.toLocaleString('en-US') }));
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
