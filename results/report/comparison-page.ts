import { CHANGE_VERDICTS, type ChangeVerdict, type Comparison, type MetricComparison } from '../compare/comparison.ts';
import type { Distributions } from '../compare/distributions.ts';
import {
  countsText,
  FIGURE_NAMES,
  formatChange,
  formatP,
  formatShare,
  sideText,
  verdictText,
} from '../compare/format-change.ts';
import { formatCount, formatNumber } from '../text/format.ts';
import { plainLine } from '../text/untrusted-text.ts';
import { changeLimit, changeMark, orderChart, shiftChart } from './comparison-charts.ts';
import { distributionPanel } from './distribution-chart.ts';
import { heading } from './heading.ts';
import { html, type Html } from './html.ts';
import { seriesColor } from './palette.ts';
import { pageText, type Section } from './shell.ts';

/** A comparison, and the samples of those of its metrics that get pictures. */
export interface ComparedSides {
  readonly comparison: Comparison;
  readonly distributions: ReadonlyMap<MetricComparison, Distributions>;
  /** In the order in which they are shown. */
  readonly pictured: readonly MetricComparison[];
}

/** Colours of the verdicts of a run mean the same here. */
const TONES: Readonly<Record<ChangeVerdict, string>> = {
  worse: 'fail',
  better: 'pass',
  changed: 'known',
  undecided: 'flaky',
  same: 'skip',
};

/** Comparisons, one for each pair of hosts, as one HTML file that needs nothing else. */
export function comparisonPage(all: readonly ComparedSides[]): string {
  const { text, tone } = headingText(all.map(({ comparison }) => comparison));
  const isOne = all.length === 1;
  const sections = all.flatMap(({ comparison, distributions, pictured }, index): Section[] => {
    const name = isOne ? '' : ` ${comparison.b.host}`;
    return [
      [`environment-${index}`, `Environment${name}`, environmentPart(comparison, `environment-${index}`, isOne)],
      [`metrics-${index}`, `Metrics${name}`, metricsPart(comparison, index, isOne)],
      [`pictures-${index}`, `Pictures${name}`, picturesPart(comparison, distributions, pictured, index)],
      [`runs-${index}`, `Runs${name}`, runsPart(comparison, `runs-${index}`)],
    ];
  });
  return pageText({
    title: `${text}: ioreqlab compare`,
    subject: 'compare',
    headline: html`<h1 data-tone="${tone}">${text}</h1>
      ${all.map(({ comparison }) => sides(comparison))}`,
    sections,
    footer: "Made from the runs' run.json and samples by ioreqlab. This file needs no network.",
  });
}

function headingText(all: readonly Comparison[]): { text: string; tone: 'good' | 'bad' | 'neutral' } {
  const count = (verdict: ChangeVerdict): number => all.reduce((sum, { counts }) => sum + counts[verdict], 0);
  const news = CHANGE_VERDICTS.filter((verdict) => verdict !== 'same' && verdict !== 'undecided' && count(verdict) > 0);
  if (news.length > 0) {
    const text = news.map((verdict) => `${count(verdict)} ${verdict}`).join(', ');
    return { text, tone: count('worse') > 0 ? 'bad' : 'good' };
  }
  if (count('undecided') > 0) return { text: `Nothing found, ${count('undecided')} undecided`, tone: 'neutral' };
  return { text: 'All the same', tone: 'good' };
}

function sides(comparison: Comparison): Html {
  const { a, b, warnings } = comparison;
  return html`${warnings.map((text) => html`<p class="note">${text}</p>`)}
    <ul class="legend sides">
      ${[a, b].map(
        (side, index) =>
          html`<li>
            <i style="--swatch: ${seriesColor(index)}"></i
            ><b>${index === 0 ? 'A' : 'B'}</b> ${plainLine(side.label, 90)}
            <small>${sideText(side)}</small>
          </li>`,
      )}
    </ul>
    <p class="lead">
      ${countsText(comparison)}; ${FIGURE_NAMES[comparison.figure]} of each run, ${comparison.kind} timing
    </p>`;
}

function environmentPart({ environment, b }: Comparison, id: string, isOne: boolean): Html | undefined {
  if (environment.length === 0) return undefined;
  return html`<section id="${id}">
    <h2>What else differs${!isOne && html` on ${b.host}`}</h2>
    <p>Between the environments of the two sides. What is the same is left out.</p>
    <div class="scroll">
      <table>
        <thead>
          <tr>
            ${heading('Name')} ${heading('A')} ${heading('B')}
          </tr>
        </thead>
        <tbody>
          ${environment.map(
            (one) =>
              html`<tr class="differs">
                <th scope="row"><small>${one.name}</small></th>
                <td class="mono">${one.a.join(' | ') || 'none'}</td>
                <td class="mono">${one.b.join(' | ') || 'none'}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </section>`;
}

function metricsPart(comparison: Comparison, index: number, isOne: boolean): Html {
  const { metrics, unmatched, alpha, confidence, b } = comparison;
  const limit = changeLimit(metrics);
  const sorted = [...metrics].sort(
    (one, other) => CHANGE_VERDICTS.indexOf(one.verdict) - CHANGE_VERDICTS.indexOf(other.verdict),
  );
  return html`<section id="metrics-${index}">
    <h2>Metrics${!isOne && html` on ${b.host}`}</h2>
    <p>
      Change by Hodges and Lehmann with its ${formatShare(confidence)} interval; p of Mann and Whitney's exact test,
      corrected for all metrics, significant below ${alpha}. Grey: what changes by chance. Shown to
      ${formatShare(limit)} on both sides.
    </p>
    <div class="filter" data-table="metric-table-${index}">
      <input type="search" placeholder="Filter by words" aria-label="Filter the metrics by words" />
    </div>
    <div class="scroll">
      <table id="metric-table-${index}">
        <thead>
          <tr>
            ${heading('Metric')} ${heading('Verdict')} ${heading('A', 'number')} ${heading('B', 'number')}
            ${heading('Change', 'number')}
            <th></th>
            ${heading('p', 'number')} ${heading('Noise floor', 'number')} ${heading('Runs', 'number')}
          </tr>
        </thead>
        <tbody>
          ${sorted.map((metric) => metricRow(metric, limit))}
        </tbody>
      </table>
    </div>
    ${onlyOn('A', unmatched.a)} ${onlyOn('B', unmatched.b)}
  </section>`;
}

function metricRow(metric: MetricComparison, limit: number): Html {
  const { a, b, change, p, adjusted, floor, verdict } = metric;
  const values = (side: MetricComparison['a']): string => side.values.map(formatNumber).join(', ').slice(0, 500);
  const from =
    floor.from === 0 ? 'the least that is assumed' : `from ${floor.from} changes between runs of the same thing`;
  const runs = `${a.values.length} + ${b.values.length}`;
  return html`<tr>
    <th scope="row">${metric.metric}<br /><small>${placeText(metric)}</small></th>
    <td class="nowrap" data-key="${CHANGE_VERDICTS.indexOf(verdict)}">${verdictChip(metric)}</td>
    <td class="number" data-key="${a.median.estimate}" title="${values(a)}">${formatNumber(a.median.estimate)}</td>
    <td class="number" data-key="${b.median.estimate}" title="${values(b)}">${formatNumber(b.median.estimate)}</td>
    <td class="number" data-key="${change.estimate}">
      <b>${formatChange(change.estimate)}</b
      >${change.low < change.high && html`<br /><small>${formatChange(change.low)} to ${formatChange(change.high)}</small>`}
    </td>
    <td>${changeMark(metric, limit)}</td>
    <td class="number" data-key="${adjusted ?? 2}" title="alone: ${formatP(p)}">${formatP(adjusted)}</td>
    <td class="number" data-key="${floor.value}" title="${from}">${formatShare(floor.value)}</td>
    <td class="number" data-key="${a.values.length + b.values.length}">${runs}</td>
  </tr>`;
}

function placeText({ scenario, variant, unit }: MetricComparison): string {
  return [scenario, variant, unit].filter((part) => part !== '').join(', ');
}

function verdictChip(metric: MetricComparison): Html {
  const { verdict } = metric;
  const weight = verdict === 'worse' ? 'solid' : verdict === 'same' ? 'quiet' : '';
  return html`<span class="chip ${weight}" data-verdict="${TONES[verdict]}">${verdictText(metric)}</span>`;
}

function onlyOn(side: string, metrics: readonly string[]): Html | undefined {
  if (metrics.length === 0) return undefined;
  const more = metrics.length - 12;
  return html`<p>
    <small>Only on ${side}: ${metrics.slice(0, 12).join(', ')}${more > 0 && ` and ${more} more`}</small>
  </p>`;
}

function picturesPart(
  comparison: Comparison,
  distributions: ComparedSides['distributions'],
  pictured: readonly MetricComparison[],
  index: number,
): Html | undefined {
  if (pictured.length === 0) return undefined;
  const left = comparison.metrics.length - pictured.length;
  return html`<section id="pictures-${index}">
    <h2>Pictures</h2>
    <p>
      All samples of a side together, with as much room for each further 9 of the share; the change of each quantile,
      the grey band being what changes by chance; and the runs in their order, lines being medians.
      ${left > 0 && `${formatCount(left, 'metric')} without a finding left out.`}
    </p>
    <ul class="legend">
      ${['A', 'B'].map((name, side) => html`<li><i style="--swatch: ${seriesColor(side)}"></i>${name}</li>`)}
    </ul>
    ${pictured.map((metric) => {
      const samples = distributions.get(metric);
      return html`<h3>${metric.metric} <small>${placeText(metric)}</small> ${verdictChip(metric)}</h3>
        <div class="panels">
          ${
            samples !== undefined &&
            html`<figure>
                <figcaption><b>Distribution</b></figcaption>
                ${distributionPanel({ name: metric.metric, about: '', curves: [samples.a, samples.b] }, metric.unit)}
              </figure>
              <figure>
                <figcaption><b>Shift</b><small>B against A</small></figcaption>
                ${shiftChart(samples, metric)}
              </figure>`
          }
          <figure>
            <figcaption><b>Runs</b><small>${FIGURE_NAMES[comparison.figure]}</small></figcaption>
            ${orderChart(comparison, metric)}
          </figure>
        </div>`;
    })}
  </section>`;
}

function runsPart({ a, b }: Comparison, id: string): Html {
  return html`<section id="${id}">
    <h2>Runs</h2>
    ${[a, b].map(
      (side, index) =>
        html`<h3>${index === 0 ? 'A' : 'B'} <small>${side.host}</small></h3>
          <ul class="plain mono">
            ${side.measurements.map(
              ({ run, repetition, startedAt }) =>
                html`<li>${startedAt} ${run}${repetition !== undefined && ` #${repetition}`}</li>`,
            )}
          </ul>`,
    )}
  </section>`;
}
