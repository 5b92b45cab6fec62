import { RUNGS } from '../ladder.ts';
import type { Run } from '../run-schema.ts';
import { scalingsOf, type Scaling, type ScalingLine } from '../scaling.ts';
import { formatNumber, formatShort } from '../text/format.ts';
import { plainLine } from '../text/untrusted-text.ts';
import { html, type Html } from './html.ts';
import { answererColor, SERIES_COLORS, seriesColor } from './palette.ts';
import { axisOf, linePath, linearTicks, place, plotSvg, type Axis } from './plot.ts';

const SIZE = { width: 500, height: 270 } as const;
const PLOT = { left: 56, right: 400, top: 14, bottom: 228 } as const;
/** Between two names at the ends of lines. */
const LINE_HEIGHT = 14;

/** How costs grow with vCPUs, ranges and servers: a picture for each of them and each host, all of one kind to the same scale. */
export function scalingSection(run: Run): Html | undefined {
  const all = scalingsOf(run);
  if (all.length === 0) return undefined;
  return html`<section id="scaling">
    <h2>Scaling</h2>
    <p>Medians from zero. Pictures of the same quantity have the same scale.</p>
    <div class="panels wide">
      ${all.map((scaling) => {
        const alike = all.filter(
          (one) => one.topic === scaling.topic && one.unit === scaling.unit && one.kind === scaling.kind,
        );
        return html`<figure>
          <figcaption>
            <b>${scaling.topic}</b><small>${scaling.label}, ${scaling.unit} (${scaling.kind} timing)</small>
          </figcaption>
          ${scalingChart(scaling, alike)}
        </figure>`;
      })}
    </div>
  </section>`;
}

/** One picture; `alike` share its scale and its colours. */
export function scalingChart(scaling: Scaling, alike: readonly Scaling[] = [scaling]): Html {
  const points = alike.flatMap(({ lines }) => lines.flatMap((line) => line.points));
  const counts = [...new Set(points.map(({ count }) => count))].sort((a, b) => a - b);
  const [least = 0, most = 1] = [counts[0], counts.at(-1)];
  // 1, 2, 4, 8, ... evenly, if they are more than a few.
  const isLog = least > 0 && most / least > 8;
  const x = axisOf({
    ...{ from: least, to: most, start: PLOT.left + 8, end: PLOT.right },
    ticks: sparse(counts).map((value) => ({ value, label: formatNumber(value) })),
    ...(isLog ? { transform: Math.log2 } : {}),
  });
  const high = Math.max(...points.map(({ metric }) => metric.p50), Number.MIN_VALUE) * 1.05;
  const low = Math.min(0, ...points.map(({ metric }) => metric.p50));
  const y = axisOf({
    ...{ from: low, to: high, start: PLOT.bottom, end: PLOT.top },
    ticks: linearTicks(low, high, 5).map((value) => ({ value, label: formatShort(value) })),
  });
  const names = [...new Set(alike.flatMap(({ lines }) => lines.map(({ name }) => name)))];
  const labels = apart(scaling.lines, y);
  const looks = looksOf(names);
  const marks = scaling.lines.map((line) => {
    const { color, isDashed } = looks.get(line.name) ?? { color: seriesColor(0), isDashed: false };
    return drawn(line, { x, y, label: labels.get(line) ?? 0, color, isDashed });
  });
  const description = plainLine(
    `medians in ${scaling.unit} over ${scaling.topic} on ${scaling.label}: ${names.join(', ')}`,
    300,
  );
  return plotSvg({ ...SIZE, x, y, xName: scaling.topic, marks, description });
}

/** In the colours of the ladder where lines are named after its rungs: what only waits otherwise than another is dashed. */
function looksOf(names: readonly string[]): Map<string, { color: string; isDashed: boolean }> {
  const answerers = names.map((name) => {
    const [base = ''] = name.split(/[-.]/);
    return { base, rung: RUNGS.find((rung) => rung.name === base) };
  });
  const isLadder = answerers.every(({ rung }) => rung !== undefined);
  return new Map(
    names.map((name, index) => {
      const { base, rung } = answerers[index] ?? {};
      return isLadder && rung !== undefined
        ? [name, { color: answererColor(rung.answerer), isDashed: name !== base && names.includes(base ?? '') }]
        : [name, { color: seriesColor(index), isDashed: index >= SERIES_COLORS }];
    }),
  );
}

interface Drawn {
  readonly x: Axis;
  readonly y: Axis;
  readonly label: number;
  readonly color: string;
  readonly isDashed: boolean;
}

function drawn({ name, points }: ScalingLine, { x, y, label, color, isDashed }: Drawn): Html {
  const places = points.map(({ count, metric }) => [x.at(count), y.at(metric.p50)] as const);
  const [endX = 0, endY = 0] = places.at(-1) ?? [];
  return html`<g style="stroke: ${color}; --swatch: ${color}">
    <path class="curve ${isDashed && 'dashed'}" d="${linePath(places)}"></path>
    <path class="knots" d="${places.map(([cx, cy]) => `M${place(cx)} ${place(cy)}h0`).join('')}"></path>
    <path class="leader" d="M${place(endX + 4)} ${place(endY)}L${place(PLOT.right + 12)} ${place(label)}"></path>
    <text class="start name" x="${PLOT.right + 15}" y="${place(label + 4)}">${plainLine(name, 14)}</text>
  </g>`;
}

/** Where the names of the lines stand, so that none covers another: as near to their ends as that allows. */
function apart(lines: readonly ScalingLine[], y: Axis): Map<ScalingLine, number> {
  const ends = lines
    .map((line) => ({ line, at: y.at(line.points.at(-1)?.metric.p50 ?? 0) }))
    .sort((a, b) => a.at - b.at);
  let free = PLOT.top;
  for (const end of ends) {
    end.at = Math.max(end.at, free);
    free = end.at + LINE_HEIGHT;
  }
  // What was pushed out at the bottom goes up again.
  let limit: number = PLOT.bottom;
  for (const end of ends.toReversed()) {
    end.at = Math.min(end.at, limit);
    limit = end.at - LINE_HEIGHT;
  }
  return new Map(ends.map(({ line, at }) => [line, at]));
}

/** At most nine of the counts, the last among them. */
function sparse(counts: readonly number[]): number[] {
  const every = Math.ceil(counts.length / 9);
  return counts.filter((_count, index) => (counts.length - 1 - index) % every === 0);
}
