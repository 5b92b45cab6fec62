import { relative } from 'node:path';
import type { History } from '../trends/history.ts';
import type { Series, SeriesRun } from '../trends/series.ts';
import type { LevelChange, Trend } from '../trends/trend.ts';
import { formatCount, formatNumber } from '../text/format.ts';
import { heading } from './heading.ts';
import { fileHref, html, type Html } from './html.ts';
import { pageText } from './shell.ts';
import { relativeText, sparkline, trendChart } from './trend-chart.ts';

/** Pictures of more would make the page slow; the rest have their line in the table. */
const MOST_PICTURES = 48;
const MOST_CHANGES = 200;
/** Of so many runs or more at the new level, nobody has to be told how many there are. */
const SURE = 5;
/** A change is recent while so many runs, or fewer, have been made since. */
const RECENT = 30;
const MOST_UNREADABLE = 10;

/** What is shown besides the series themselves. */
export interface TrendsPageOptions {
  /** Directory of the page: links to the runs' reports are relative to it. */
  readonly directory: string;
  readonly version: string;
  /** Such as `sample data, not measured`. */
  readonly notes?: readonly string[];
}

interface Found {
  readonly trend: Trend;
  readonly change: LevelChange;
}

/** All series over the stored runs as one HTML file that needs nothing else. */
export function trendsPage(history: History, trends: readonly Trend[], options: TrendsPageOptions): string {
  const found = trends
    .flatMap((trend) => trend.changes.map((change): Found => ({ trend, change })))
    .sort((a, b) => atOf(b) - atOf(a) || Math.abs(b.change.relative ?? 0) - Math.abs(a.change.relative ?? 0));
  return pageText({
    title: `Trends: ${headingText(found, trends).text}: ioreqlab`,
    subject: 'trends',
    headline: headline(history, trends, found, options),
    sections: [
      ['changes', 'Changes', changesSection(found, options)],
      ['series', 'Series', seriesSection(trends, options)],
      ['pictures', 'Pictures', picturesSection(trends)],
    ],
    footer: `Made from the runs' run.json by ioreqlab ${options.version}. This file needs no network.`,
  });
}

/** What a reader who comes every morning wants to know: whether the newest runs are at another level than before. */
function headingText(
  found: readonly Found[],
  trends: readonly Trend[],
): { text: string; tone: 'good' | 'bad' | 'neutral' } {
  if (trends.length === 0) return { text: 'Nothing was measured', tone: 'neutral' };
  const recent = found.filter(({ trend, change }) => trend.series.points.length - change.index <= RECENT);
  if (recent.length === 0) return { text: 'No recent change of level', tone: 'good' };
  const worse = recent.filter(({ change }) => change.isWorse === true).length;
  const better = recent.filter(({ change }) => change.isWorse === false).length;
  const text = [
    worse > 0 ? `${worse} for the worse` : '',
    better > 0 ? `${better} for the better` : '',
    recent.length > worse + better ? `${recent.length - worse - better} of neither kind` : '',
  ];
  return {
    text: `Recent changes: ${text.filter((part) => part !== '').join(', ')}`,
    tone: worse > 0 ? 'bad' : better > 0 ? 'good' : 'neutral',
  };
}

function headline(
  history: History,
  trends: readonly Trend[],
  found: readonly Found[],
  options: TrendsPageOptions,
): Html {
  const { runs, from, to, unreadable } = history;
  const { text, tone } = headingText(found, trends);
  const period = from === undefined || to === undefined ? '' : `, ${dateText(from)} to ${dateText(to)}`;
  const hidden = unreadable.length - MOST_UNREADABLE;
  return html`
    ${(options.notes ?? []).map((note) => html`<p class="note">${note}</p>`)}
    <h1 data-tone="${tone}">${text}</h1>
    <p class="lead">
      ${formatCount(runs, 'run')}${period}; ${trends.length} series; ${formatCount(found.length, 'change')} of level in
      all, recent if among the newest ${RECENT} runs of a series
    </p>
    ${
      unreadable.length > 0 &&
      html`<details class="failure" data-verdict="error">
        <summary>
          <span class="chip solid">left out</span><b>${formatCount(unreadable.length, 'run')} could not be read</b>
        </summary>
        <dl>
          ${unreadable.slice(0, MOST_UNREADABLE).map(
            ({ id, why }) =>
              html`<dt class="mono">${id}</dt>
                <dd>${why.slice(0, 400)}</dd>`,
          )}
          ${
            hidden > 0 &&
            html`<dt></dt>
              <dd>and ${hidden} more</dd>`
          }
        </dl>
      </details>`
    }
  `;
}

function changesSection(found: readonly Found[], options: TrendsPageOptions): Html | undefined {
  if (found.length === 0) return undefined;
  const shown = found.slice(0, MOST_CHANGES);
  return html`<section id="changes">
    <h2>Changes of level</h2>
    <p>
      Where a series left its level, newest first, and what else changed between the run before and that run.
      ${found.length > shown.length && `The newest ${shown.length} of ${found.length}.`}
    </p>
    <div class="scroll">
      <table>
        <thead>
          <tr>
            ${heading('Run')} ${heading('Series')} ${heading('Host')} ${heading('Before', 'number')}
            ${heading('After', 'number')} ${heading('Change', 'number')} ${heading('Changed with it')}
          </tr>
        </thead>
        <tbody>
          ${shown.map((one) => changeRow(one, options))}
        </tbody>
      </table>
    </div>
  </section>`;
}

function changeRow({ trend, change }: Found, options: TrendsPageOptions): Html {
  const { series } = trend;
  const { before, after, relative: by = 0, isWorse, environment } = change;
  const run = series.points[change.index]?.run;
  // A single run can look like a new level; the next ones tell.
  const seen = series.points.length - change.index;
  const isNew = seen < SURE;
  const tone = isWorse === undefined ? '' : isWorse ? 'bad' : 'good';
  return html`<tr>
    <td class="nowrap" data-key="${run?.at}">${run !== undefined && runLink(run, options)}</td>
    <th scope="row">${seriesName(series)}</th>
    <td class="nowrap">${series.host}</td>
    <td class="number" data-key="${before}">${formatNumber(before)}</td>
    <td class="number" data-key="${after}">${formatNumber(after)}</td>
    <td class="number better" data-key="${by}" data-tone="${tone}">
      ${relativeText(change)}${isNew && html`<br /><small>${formatCount(seen, 'run')} so far</small>`}
    </td>
    <td>
      ${
        environment.length === 0
          ? html`<small>nothing that was recorded</small>`
          : html`<ul class="plain mono">
              ${environment
                .slice(0, 6)
                .map(({ name, from, to }) => html`<li><small>${name}</small> ${from ?? 'none'} → ${to ?? 'none'}</li>`)}
              ${environment.length > 6 && html`<li><small>and ${environment.length - 6} more</small></li>`}
            </ul>`
      }
    </td>
  </tr>`;
}

function seriesSection(trends: readonly Trend[], options: TrendsPageOptions): Html | undefined {
  if (trends.length === 0) return undefined;
  return html`<section id="series">
    <h2>Series</h2>
    <p>
      A quantity of one host each. Level: the median since its last change; spread: the middle 90 % of the runs since.
    </p>
    <div class="filter" data-table="series-table">
      <input type="search" placeholder="Filter by words" aria-label="Filter the series by words" />
    </div>
    <div class="scroll">
      <table id="series-table">
        <thead>
          <tr>
            ${heading('Series')} ${heading('Host')} ${heading('Level', 'number')} ${heading('Spread', 'number')}
            ${heading('Last change', 'number')} ${heading('Since')} ${heading('Runs', 'number')}
            <th>All runs</th>
          </tr>
        </thead>
        <tbody>
          ${trends.map((trend) => seriesRow(trend, options))}
        </tbody>
      </table>
    </div>
  </section>`;
}

function seriesRow(trend: Trend, options: TrendsPageOptions): Html {
  const { series, segments, changes } = trend;
  const { points } = series;
  const [segment, change] = [segments.at(-1), changes.at(-1)];
  const level = segment?.level ?? 0;
  const current = points.slice(segment?.start ?? 0).map(({ value }) => value);
  const spread = spreadOf(current, level);
  const since = change === undefined ? undefined : points[change.index]?.run;
  const tone = change?.isWorse === undefined ? '' : change.isWorse ? 'bad' : 'good';
  return html`<tr>
    <th scope="row">${seriesName(series)}</th>
    <td class="nowrap">${series.host}<br /><small>${series.unit} (${series.kind})</small></td>
    <td class="number better" data-key="${level}">${formatNumber(level)}</td>
    <td class="number" data-key="${spread}">${spread === undefined ? '' : `± ${(100 * spread).toFixed(2)} %`}</td>
    <td class="number" data-key="${change?.relative ?? 0}" data-tone="${tone}">
      ${change !== undefined && relativeText(change)}
    </td>
    <td class="nowrap" data-key="${since?.at ?? 0}">${since !== undefined && runLink(since, options)}</td>
    <td class="number" data-key="${points.length}">${points.length}</td>
    <td>${sparkline(trend)}</td>
  </tr>`;
}

/** Half the width of the middle 90 %, over the level. */
function spreadOf(values: readonly number[], level: number): number | undefined {
  if (values.length < 2 || level === 0) return undefined;
  const sorted = [...values].sort((a, b) => a - b);
  const at = (q: number): number => sorted[Math.round(q * (sorted.length - 1))] ?? 0;
  return Math.abs((at(0.95) - at(0.05)) / 2 / level);
}

function picturesSection(trends: readonly Trend[]): Html | undefined {
  if (trends.length === 0) return undefined;
  // What changed comes first, if there is not room for all.
  const shown =
    trends.length <= MOST_PICTURES
      ? trends
      : [...trends].sort((a, b) => b.changes.length - a.changes.length).slice(0, MOST_PICTURES);
  return html`<section id="pictures">
    <h2>Pictures</h2>
    <p>
      Medians of the runs, in their order. Lines across are levels, triangles changes of level; dashed lines are new
      versions of Xen or of dom0's kernel.
      ${shown.length < trends.length && `${shown.length} of ${trends.length} series, those that changed first.`}
    </p>
    <div class="panels wide">
      ${shown.map(
        (trend) =>
          html`<figure>
            <figcaption>
              <b>${trend.series.metric}</b>
              <small
                >${[trend.series.host, trend.series.variant, `${trend.series.unit} (${trend.series.kind})`].filter((part) => part !== '').join(', ')}</small
              >
            </figcaption>
            ${trendChart(trend)}
          </figure>`,
      )}
    </div>
  </section>`;
}

function seriesName({ metric, scenario, variant }: Series): Html {
  return html`${metric}<br /><small>${[scenario, variant].filter((part) => part !== '').join(' ')}</small>`;
}

function runLink({ id, directory, at }: SeriesRun, options: TrendsPageOptions): Html {
  const path = relative(options.directory, directory);
  return html`<a href="${fileHref(path === '' ? '.' : path)}/report.html" title="${id}">${dateText(at)}</a>`;
}

function atOf({ trend, change }: Found): number {
  return trend.series.points[change.index]?.run.at ?? 0;
}

/** `2026-11-22 20:15`, UTC. */
function dateText(at: number): string {
  return new Date(at).toISOString().slice(0, 16).replace('T', ' ');
}
