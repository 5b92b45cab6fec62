import { formatCount, formatDuration } from '../text/format.ts';
import type { Run } from '../run-schema.ts';
import { modelNotes } from '../model-note.ts';
import { isBad } from '../verdict-rows.ts';
import { severityOf, VERDICTS, type Verdict } from '../verdict.ts';
import { LABELS } from './chip.ts';
import { html, type Html } from './html.ts';

const PAST: Readonly<Record<Verdict, string>> = {
  pass: 'passed',
  known: 'known',
  skip: 'skipped',
  flaky: 'flaky',
  error: 'without a verdict',
  fail: 'failed',
  crash: 'crashed',
  notRun: 'not run',
};

/** What came of it, in one sentence: for the heading and the title of the window. */
export function headlineText({ counts, scenarios, hosts }: Run): { text: string; tone: 'good' | 'bad' | 'neutral' } {
  const bad = VERDICTS.filter((verdict) => (isBad(verdict) || verdict === 'notRun') && counts[verdict] > 0).sort(
    (a, b) => severityOf(b) - severityOf(a),
  );
  if (bad.length > 0)
    return { text: bad.map((verdict) => `${counts[verdict]} ${PAST[verdict]}`).join(', '), tone: 'bad' };
  if (hosts.some(({ error }) => error !== undefined)) return { text: 'A host could not be used', tone: 'bad' };
  if (scenarios.length === 0) return { text: 'Nothing was selected', tone: 'neutral' };
  if (counts.skip === scenarios.length) return { text: 'Everything was skipped', tone: 'neutral' };
  return { text: counts.pass === scenarios.length ? 'All passed' : 'Nothing failed', tone: 'good' };
}

/** Heading, verdict cards and the facts of the run. */
export function headline(run: Run): Html {
  const { text, tone } = headlineText(run);
  const lead = `${formatCount(run.scenarios.length, 'result')} on ${formatCount(run.hosts.length, 'host')}`;
  const how = { interrupted: ', interrupted', outOfTime: ', out of time', completed: '' }[run.ended ?? 'completed'];
  return html`
    ${[...(run.notes ?? []), ...modelNotes(run)].map((note) => html`<p class="note">${note}</p>`)}
    <h1 data-tone="${tone}">${text}</h1>
    <p class="lead">${lead}${how}</p>
    ${share(run)} ${cards(run)} ${facts(run)}
  `;
}

function share({ counts }: Run): Html {
  const parts = VERDICTS.filter((verdict) => counts[verdict] > 0);
  return html`<div class="share" aria-hidden="true">
    ${parts.map((verdict) => html`<i data-verdict="${verdict}" style="flex: ${counts[verdict]}"></i>`)}
  </div>`;
}

function cards({ counts }: Run): Html {
  return html`<ul class="cards">
    ${VERDICTS.map(
      (verdict) =>
        html`<li data-verdict="${verdict}" class="${counts[verdict] === 0 && 'none'}">
          <b>${counts[verdict]}</b><span>${LABELS[verdict]}</span>
        </li>`,
    )}
  </ul>`;
}

function facts({ startedAt, finishedAt, command = [], exitCode, phases = [], ioreqlab }: Run): Html {
  const took = formatDuration(Date.parse(finishedAt) - Date.parse(startedAt));
  const entries: [string, string | undefined][] = [
    ['Started', startedAt.replace('T', ' ').replace(/(?:\.\d+)?Z$/, ' UTC')],
    ['Took', took],
    ...phases.map(({ name, durationMs }): [string, string] => [name, formatDuration(durationMs)]),
    ['Exit code', exitCode?.toString()],
    ['ioreqlab', ioreqlab === undefined ? undefined : [ioreqlab.version, ioreqlab.commit].join(' ').trim()],
  ];
  return html`<dl class="facts">
    ${entries.map(
      ([name, value]) =>
        value !== undefined &&
        html`<div>
          <dt>${name}</dt>
          <dd>${value}</dd>
        </div>`,
    )}
    ${
      command.length > 0 &&
      html`<div>
        <dt>Command</dt>
        <dd><code>${command.join(' ')}</code></dd>
      </div>`
    }
  </dl>`;
}
