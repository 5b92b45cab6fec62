import { axisOf, linearTicks, place, plotSvg } from '../report/plot.ts';
import { html, type Html } from '../report/html.ts';
import { plainLine } from '../text/untrusted-text.ts';
import type { MetricComparison } from './comparison.ts';
import { formatChange } from './format-change.ts';

const WIDTH = 1040;
const ROW = 22;
const LEFT = 300;
const RIGHT = 1020;
const TOP = 8;
const TONES = { worse: '--fail', better: '--pass', changed: '--flaky', undecided: '--error', same: '--muted' } as const;

/**
 * The changes one below the other: the estimate as a dot, its interval as a line, and behind it what the noise floor
 * covers. Beyond 60 metrics the ones that are the same are left out.
 */
export function changeChart(metrics: readonly MetricComparison[]): Html | undefined {
  const shown = metrics.length > 60 ? metrics.filter(({ verdict }) => verdict !== 'same').slice(0, 120) : metrics;
  if (shown.length === 0) return undefined;
  const ends = shown.flatMap(({ change, floor }) => [change.low, change.high, floor.value, -floor.value]);
  // One metric that went through the roof must not squeeze the others into a point.
  const widest = [...ends].map(Math.abs).sort((a, b) => a - b)[Math.floor((ends.length - 1) * 0.95)] ?? 0.01;
  const [from, to] = [Math.max(-1, -widest * 1.1), widest * 1.1];
  const height = TOP + shown.length * ROW + 44;
  const ticks = linearTicks(from, to, 8).map((value) => ({ value, label: formatChange(value) }));
  const x = axisOf({ from, to, start: LEFT, end: RIGHT, ticks });
  const y = axisOf({ from: 0, to: 1, start: TOP + shown.length * ROW, end: TOP, ticks: [] });
  const marks = shown.map((one, index) => {
    const { metric, change, floor, verdict } = one;
    const at = TOP + index * ROW + ROW / 2;
    const [low, high, middle] = [x.at(change.low), x.at(change.high), x.at(change.estimate)];
    const [start, end] = [x.at(-floor.value), x.at(floor.value)];
    const color = `var(${TONES[verdict]})`;
    return html`<rect
        x="${place(start)}"
        y="${place(at - ROW / 2 + 3)}"
        width="${place(end - start)}"
        height="${ROW - 6}"
        fill="var(--line)"
      ></rect
      ><text class="end" x="${LEFT - 10}" y="${place(at + 4)}">${plainLine(metric, 42)}</text
      ><path d="M${place(low)} ${place(at)}H${place(high)}" stroke="${color}" stroke-width="2"></path
      ><circle cx="${place(middle)}" cy="${place(at)}" r="4" fill="${color}"></circle>`;
  });
  const zero = html`<path class="axis" d="M${place(x.at(0))} ${TOP}V${TOP + shown.length * ROW}"></path>`;
  return plotSvg({
    ...{ width: WIDTH, height, x, y, marks: [zero, ...marks] },
    xName: 'change from A to B; shaded: noise floor',
    description: 'the change of each metric with its interval, against its noise floor',
  });
}
