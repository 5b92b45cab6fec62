import { html, type Html } from './html.ts';

/** A round value on an axis, and its name, which is centred below it unless it says otherwise. */
export interface Tick {
  readonly value: number;
  readonly label: string;
  readonly anchor?: 'start' | 'end';
}

/** How values become places along one side of a picture. */
export interface Axis {
  readonly ticks: readonly Tick[];
  /** The place of a value, in the picture's units; values beyond the ends are moved to them. */
  readonly at: (value: number) => number;
  /** The places of its ends. */
  readonly start: number;
  readonly end: number;
}

/** What an axis shows, and where. */
export interface AxisOptions {
  readonly from: number;
  readonly to: number;
  /** Places of `from` and `to`. */
  readonly start: number;
  readonly end: number;
  readonly ticks: readonly Tick[];
  /** Values are drawn at the place of this of them; itself by default. */
  readonly transform?: (value: number) => number;
}

export function axisOf({ from, to, start, end, ticks, transform = (value) => value }: AxisOptions): Axis {
  const [low, high] = [transform(from), transform(to)];
  const span = high - low || 1;
  const at = (value: number): number => {
    const share = Math.min(1, Math.max(0, (transform(value) - low) / span));
    return start + share * (end - start);
  };
  return { ticks: ticks.filter(({ value }) => value >= from && value <= to), at, start, end };
}

/** Round values from `low` to `high`, about `count` of them: steps of 1, 2 or 5 times a power of ten. */
export function linearTicks(low: number, high: number, count: number): number[] {
  const rough = (high - low) / Math.max(1, count);
  if (!(rough > 0) || !Number.isFinite(rough)) return [low];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10);
  const first = Math.ceil(low / step);
  const last = Math.floor(high / step);
  // Products of whole numbers: no 0.30000000000000004.
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) =>
    Number(((first + index) * step).toPrecision(12)),
  );
}

/** A picture drawn by hand: lighter by far than a chart library's where there are thousands of points, and styled by the page. */
export interface Plot {
  readonly width: number;
  readonly height: number;
  readonly x: Axis;
  readonly y: Axis;
  /** Below the x axis. */
  readonly xName?: string;
  readonly marks: readonly Html[];
  /** What it shows, for those who do not see it. */
  readonly description: string;
}

/** Frame, axes and marks as inline SVG. The style sheet gives colours and sizes of text. */
export function plotSvg({ width, height, x, y, xName, marks, description }: Plot): Html {
  const [left, right, bottom] = [Math.min(x.start, x.end), Math.max(x.start, x.end), y.start];
  return html`<svg
    class="plot"
    xmlns="http://www.w3.org/2000/svg"
    viewBox="0 0 ${width} ${height}"
    role="img"
    aria-label="${description}"
  >
    ${y.ticks.map(
      ({ value, label }) =>
        html`<path class="grid" d="M${place(left)} ${place(y.at(value))}H${place(right)}"></path
          ><text class="end" x="${place(left - 7)}" y="${place(y.at(value) + 4)}">${label}</text>`,
    )}
    <path class="axis" d="M${place(left)} ${place(bottom)}H${place(right)}"></path>
    ${x.ticks.map(
      ({ value, label, anchor = 'middle' }) =>
        html`<path class="axis" d="M${place(x.at(value))} ${place(bottom)}v4"></path
          ><text class="${anchor}" x="${place(x.at(value))}" y="${place(bottom + 17)}">${label}</text>`,
    )}${
      xName !== undefined &&
      html`<text class="middle" x="${place((left + right) / 2)}" y="${place(bottom + 33)}">${xName}</text>`
    }${marks}
  </svg>`;
}

/** One line through some places; empty for none. */
export function linePath(points: readonly (readonly [number, number])[]): string {
  return points.map(([x, y], index) => `${index === 0 ? 'M' : 'L'}${place(x)} ${place(y)}`).join('');
}

/** A line that keeps each height until the next place. */
export function stepPath(points: readonly (readonly [number, number])[]): string {
  return points
    .map(([x, y], index) => (index === 0 ? `M${place(x)} ${place(y)}` : `H${place(x)}V${place(y)}`))
    .join('');
}

/** A tenth of a unit is finer than any screen. */
export function place(value: number): number {
  return Math.round(value * 10) / 10;
}
