import { formatDuration } from '../text/format.ts';
import type { Run, ScenarioRecord } from '../run-schema.ts';
import { placeDirectory } from '../run/scenario-place.ts';
import { verdictRows, type VerdictRow } from '../verdict-rows.ts';
import { severityOf, VERDICTS } from '../verdict.ts';
import { chip, LABELS } from './chip.ts';
import { heading } from './heading.ts';
import { fileHref, html, type Html } from './html.ts';

/** All verdicts: a row per variant, a column per host; can be filtered and sorted. */
export function verdictSection(run: Run): Html | undefined {
  if (run.scenarios.length === 0) return undefined;
  const hosts = run.hosts.map(({ name }) => name);
  const rows = verdictRows(run);
  const hasVariants = rows.some(({ variant }) => variant !== '');
  return html`<section id="verdicts">
    <h2>Verdicts</h2>
    ${filter(run)}
    <div class="scroll">
      <table id="verdict-table">
        <thead>
          <tr>
            ${heading('Scenario')} ${hasVariants && heading('Variant')} ${hosts.map((host) => heading(host))}
          </tr>
        </thead>
        <tbody>
          ${rows.map((row) => tableRow(row, hosts, hasVariants))}
        </tbody>
      </table>
    </div>
  </section>`;
}

function filter({ counts }: Run): Html {
  const present = VERDICTS.filter((verdict) => counts[verdict] > 0);
  return html`<div class="filter" data-table="verdict-table">
    <input type="search" placeholder="Filter by words" aria-label="Filter the verdicts by words" />
    ${
      present.length > 1 &&
      present.map(
        (verdict) =>
          html`<button type="button" aria-pressed="false" data-verdict="${verdict}">
            ${LABELS[verdict]} ${counts[verdict]}
          </button>`,
      )
    }
  </div>`;
}

function tableRow({ id, variant, records }: VerdictRow, hosts: readonly string[], hasVariants: boolean): Html {
  const all = [...records.values()];
  const title = all.find((record) => record.title !== undefined)?.title;
  const verdicts = [...new Set(all.map(({ verdict }) => verdict))].join(' ');
  return html`<tr data-verdicts="${verdicts}">
    <th scope="row" title="${title}">${id}</th>
    ${hasVariants && html`<td><small>${variant}</small></td>`} ${hosts.map((host) => cell(records.get(host)))}
  </tr>`;
}

function cell(record: ScenarioRecord | undefined): Html {
  if (record === undefined) return html`<td data-key="0"></td>`;
  const { verdict, durationMs, attempts, reason, artifacts } = record;
  const label = chip(verdict);
  const linked = artifacts.length === 0 ? label : html`<a href="${fileHref(placeDirectory(record))}/">${label}</a>`;
  // The worst first when sorted downwards; the slowest among equals.
  const key = `${severityOf(verdict) + 1} ${Math.round(durationMs)}`;
  return html`<td data-key="${key}" title="${reason}">
    ${linked} ${attempts > 0 && html`<small>${formatDuration(durationMs)}</small>`}
  </td>`;
}
