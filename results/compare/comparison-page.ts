import { heading } from '../report/heading.ts';
import { html, type Html } from '../report/html.ts';
import { pageText, type Section } from '../report/shell.ts';
import { writeAtomically } from '../run/atomic-write.ts';
import { formatCount, formatNumber } from '../text/format.ts';
import { changeChart } from './change-chart.ts';
import {
  CHANGE_VERDICTS,
  type ChangeVerdict,
  type Comparison,
  type MetricComparison,
  type Side,
} from './comparison.ts';
import {
  countsText,
  FIGURE_NAMES,
  formatInterval,
  formatP,
  formatShare,
  groupsOf,
  sideText,
  verdictText,
} from './format-change.ts';

/** Writes the comparisons as one page that needs nothing else, in place of the file that may be there. */
export async function writeComparisonPage(path: string, comparisons: readonly Comparison[]): Promise<void> {
  await writeAtomically(path, comparisonPage(comparisons));
}

/** The comparisons as one HTML file that needs no network. */
export function comparisonPage(comparisons: readonly Comparison[]): string {
  const { text, tone } = headlineText(comparisons);
  const isOne = comparisons.length === 1;
  return pageText({
    title: `${text}: ioreqlab comparison`,
    subject: 'comparison',
    headline: html`<h1 data-tone="${tone}">${text}</h1>
      ${comparisons.map((one) => html`<p class="lead">${versus(one)}: ${countsText(one)}</p>`)}`,
    sections: comparisons.flatMap((one, index): Section[] => {
      const id = (name: string): string => (isOne ? name : `${name}-${index + 1}`);
      const of = isOne ? '' : ` ${index + 1}`;
      return [
        [id('changes'), `Changes${of}`, changesSection(one, id('changes'))],
        [id('environment'), `Environment${of}`, environmentSection(one, id('environment'))],
        [id('runs'), `Runs${of}`, runsSection(one, id('runs'))],
      ];
    }),
    footer: "Made from the runs' run.json by ioreqlab. This file needs no network.",
  });
}

function headlineText(comparisons: readonly Comparison[]): { text: string; tone: 'good' | 'bad' | 'neutral' } {
  const count = (verdict: ChangeVerdict): number => comparisons.reduce((sum, { counts }) => sum + counts[verdict], 0);
  const news = CHANGE_VERDICTS.filter((verdict) => verdict !== 'same' && verdict !== 'undecided' && count(verdict) > 0);
  if (news.length > 0) {
    const text = news.map((verdict) => `${count(verdict)} ${verdict}`).join(', ');
    return { text, tone: count('worse') > 0 ? 'bad' : 'good' };
  }
  if (count('undecided') > 0) return { text: `Nothing found, ${count('undecided')} undecided`, tone: 'neutral' };
  return { text: 'All the same', tone: 'good' };
}

const versus = ({ a, b }: Comparison): string => `A: ${a.label} (${sideText(a)}); B: ${b.label} (${sideText(b)})`;

function changesSection(comparison: Comparison, id: string): Html {
  const { metrics, figure, kind, alpha, warnings } = comparison;
  return html`<section id="${id}">
    <h2>Changes</h2>
    ${warnings.map((text) => html`<p class="note">${text}</p>`)}
    <p>
      ${versus(comparison)}. ${FIGURE_NAMES[figure]} of each run, ${kind} timing. Change: Hodges and Lehmann's estimate
      with its ${formatShare(comparison.confidence)} interval. p: Mann and Whitney's exact test, corrected for all
      metrics; the chance of a false alarm is at most ${formatShare(alpha)}.
    </p>
    <figure>${changeChart(metrics)}</figure>
    ${groupsOf(metrics).map(
      ([group, members]) =>
        html`<h3>${group}</h3>
          <div class="scroll">
            <table>
              <thead>
                <tr>
                  ${heading('Metric')} ${heading('A', 'number')} ${heading('B', 'number')}
                  ${heading('Change', 'number')} ${heading('p', 'number')} ${heading('Noise floor', 'number')}
                  ${heading('Verdict')}
                </tr>
              </thead>
              <tbody>
                ${members.map(row)}
              </tbody>
            </table>
          </div>`,
    )}
    ${unmatched(comparison)}
  </section>`;
}

function row(one: MetricComparison): Html {
  const { metric, unit, a, b, change, p, adjusted, floor, verdict } = one;
  const tone = verdict === 'worse' ? 'bad' : verdict === 'better' ? 'good' : '';
  const values = ({ values: all }: MetricComparison['a']): string => all.map(formatNumber).join(', ').slice(0, 500);
  return html`<tr>
    <th scope="row">${metric} <small>${unit}</small></th>
    <td class="number" data-key="${a.median.estimate}" title="${values(a)}">${formatNumber(a.median.estimate)}</td>
    <td class="number" data-key="${b.median.estimate}" title="${values(b)}">${formatNumber(b.median.estimate)}</td>
    <td class="number" data-key="${change.estimate}" data-tone="${tone}">${formatInterval(change)}</td>
    <td class="number" data-key="${adjusted ?? 2}" title="alone: ${formatP(p)}">${formatP(adjusted)}</td>
    <td class="number" data-key="${floor.value}" title="${floorTitle(one)}">${formatShare(floor.value)}</td>
    <td data-key="${CHANGE_VERDICTS.indexOf(verdict)}" data-tone="${tone}">${verdictText(one)}</td>
  </tr>`;
}

function floorTitle({ floor }: MetricComparison): string {
  return floor.from === 0 ? 'the least that is assumed' : `from ${floor.from} changes between runs of the same thing`;
}

function unmatched({ unmatched: { a, b } }: Comparison): Html | false {
  const lines = [
    ['A', a],
    ['B', b],
  ] as const;
  return (
    a.length + b.length > 0 &&
    html`<details>
      <summary>${formatCount(a.length + b.length, 'metric')} on one side only</summary>
      <ul>
        ${lines.map(([side, names]) => names.map((name) => html`<li>${side}: ${name}</li>`))}
      </ul>
    </details>`
  );
}

function environmentSection({ environment }: Comparison, id: string): Html {
  const values = (all: readonly string[]): string => (all.length === 0 ? '-' : all.join(' | '));
  return html`<section id="${id}">
    <h2>Environment</h2>
    ${
      environment.length === 0
        ? html`<p>Nothing that was recorded differs.</p>`
        : html`<div class="scroll">
            <table>
              <thead>
                <tr>
                  <th>Differs</th>
                  <th>A</th>
                  <th>B</th>
                </tr>
              </thead>
              <tbody>
                ${environment.map(
                  ({ name, a, b }) =>
                    html`<tr class="differs">
                      <th scope="row"><small>${name}</small></th>
                      <td class="mono">${values(a)}</td>
                      <td class="mono">${values(b)}</td>
                    </tr>`,
                )}
              </tbody>
            </table>
          </div>`
    }
  </section>`;
}

function runsSection({ a, b }: Comparison, id: string): Html {
  const list = (side: Side): Html =>
    html`<ul class="plain mono">
      ${side.measurements.map(
        ({ run, repetition, startedAt }) =>
          html`<li>${startedAt} ${run}${repetition !== undefined && ` #${repetition}`}</li>`,
      )}
    </ul>`;
  return html`<section id="${id}">
    <h2>Runs</h2>
    <h3>A: ${a.label}</h3>
    ${list(a)}
    <h3>B: ${b.label}</h3>
    ${list(b)}
  </section>`;
}
