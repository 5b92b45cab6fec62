import { formatNumber, formatRatio } from '../text/format.ts';
import { laddersOf, ratioOf, rungsOf, YARDSTICKS, type Ladder } from '../ladder.ts';
import type { Metric, Run } from '../run-schema.ts';
import type { CurvePoint } from '../stats/percentile-curve.ts';
import { distributionChart } from './distribution-chart.ts';
import { heading } from './heading.ts';
import { html, type Html } from './html.ts';
import { ladderChart } from './ladder-chart.ts';
import { ANSWERERS, answererColor, seriesColor } from './palette.ts';

/** Whole distributions, for metrics whose samples were kept. */
export type Curves = ReadonlyMap<Metric, readonly CurvePoint[]>;

/** The ladder as a picture, its ratios, its distributions and its figures; a part for each kind of time. */
export function ladderSection(run: Run, curves: Curves): Html | undefined {
  const groups = laddersOf(run);
  if (groups.length === 0) return undefined;
  return html`<section id="ladder">
    <h2>The ladder</h2>
    <p>
      The round trip of one IN by the guest, by who answers it. Bars are medians; the thin lines reach to the 99th
      percentile. All rungs of a host are from the same boot of the same guest.
    </p>
    ${groups.map((ladders) => html`${groups.length > 1 && html`<h3>${ladders[0]?.kind} timing</h3>`}${part(ladders, curves)}`)}
  </section>`;
}

function part(ladders: readonly Ladder[], curves: Curves): Html {
  return html`<figure>
      ${legend(ladders)}
      <div class="wide-picture">${ladderChart(ladders)}</div>
    </figure>
    ${ratios(ladders)} ${distributions(ladders, curves)}
    <h3>Figures</h3>
    <p>In ${unitText(ladders)}. Quantiles are nearest-rank: each is a value that was measured.</p>
    ${ladders.map((ladder) => figures(ladder, ladders.length > 1))}`;
}

function legend(ladders: readonly Ladder[]): Html {
  const entries: (readonly [string, string])[] =
    ladders.length > 1
      ? ladders.map(({ label }, index) => [seriesColor(index), label] as const)
      : ANSWERERS.map(([answerer, label]) => [answererColor(answerer), label] as const);
  return html`<ul class="legend">
    ${entries.map(([color, label]) => html`<li><i style="--swatch: ${color}"></i>${label}</li>`)}
  </ul>`;
}

function ratios(ladders: readonly Ladder[]): Html {
  const rows = YARDSTICKS.map(([rung, yardstick]) => ({
    name: `${rung} / ${yardstick}`,
    values: ladders.map((ladder) => ratioOf(ladder, rung, yardstick)),
  })).filter(({ values }) => values.some((value) => value !== undefined));
  return html`<h3>Ratios of medians</h3>
    <p>Against the same work done in C, and against QEMU. Below 1 is cheaper than the yardstick.</p>
    <div class="scroll">
      <table class="narrow">
        <thead>
          <tr>
            ${heading('Ratio')} ${ladders.map(({ label }) => heading(label, 'number'))}
          </tr>
        </thead>
        <tbody>
          ${rows.map(
            ({ name, values }) =>
              html`<tr>
                <th scope="row">${name}</th>
                ${values.map((value) => html`<td class="number better">${value !== undefined && formatRatio(value)}</td>`)}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
}

function distributions(ladders: readonly Ladder[], curves: Curves): Html | undefined {
  const panels = rungsOf(ladders)
    .map(({ name, about }) => ({ name, about, curves: ladders.map(({ rungs }) => curveOf(rungs.get(name), curves)) }))
    .filter((panel) => panel.curves.some((curve) => curve !== undefined));
  if (panels.length === 0) return undefined;
  return html`<h3>Distributions</h3>
    <p>
      How many of the accesses took at most so many ${unitText(ladders)}. The scale gives each further 9 the same room:
      the upper half of each picture is the slowest hundredth.
    </p>
    <figure>${ladders.length > 1 && legend(ladders)} ${distributionChart(panels, unitText(ladders))}</figure>`;
}

function curveOf(metric: Metric | undefined, curves: Curves): readonly CurvePoint[] | undefined {
  return metric === undefined ? undefined : curves.get(metric);
}

const COLUMNS = ['p50', 'p90', 'p99', 'p999', 'max'] as const;
const HEADINGS = ['Median', 'p90', 'p99', 'p99.9', 'Max', 'n', '× c', '× qemu'];

function figures(ladder: Ladder, isNamed: boolean): Html {
  return html`<div class="scroll spaced">
    <table>
      <thead>
        <tr>
          ${heading(isNamed ? ladder.label : 'Rung')} ${HEADINGS.map((name) => heading(name, 'number'))}
        </tr>
      </thead>
      <tbody>
        ${rungsOf([ladder]).map(({ name, about }) => {
          const metric = ladder.rungs.get(name);
          const values = metric === undefined ? [] : [...COLUMNS.map((column) => metric[column]), metric.n];
          const relative = ['c', 'qemu'].map((yardstick) => ratioOf(ladder, name, yardstick));
          const cells = [
            ...values.map((value) => [value, formatNumber(value)] as const),
            ...relative.map((value) => [value, value === undefined ? '' : formatRatio(value)] as const),
          ];
          return html`<tr>
            <th scope="row">${name} <small>${about}</small></th>
            ${cells.map(([value, text], column) => html`<td class="number ${column === 0 && 'better'}" data-key="${value}">${text}</td>`)}
          </tr>`;
        })}
      </tbody>
    </table>
  </div>`;
}

function unitText([first]: readonly Ladder[]): string {
  return first === undefined ? '' : `${first.unit} (${first.kind} timing)`;
}
