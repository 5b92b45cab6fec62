import { formatBytes, formatDuration } from '../text/format.ts';
import type { Artifact, HostRecord, Problem, Run, ScenarioRecord } from '../run-schema.ts';
import { excerpt } from '../text/untrusted-text.ts';
import { isBad, variantText } from '../verdict-rows.ts';
import { severityOf } from '../verdict.ts';
import { chip } from './chip.ts';
import { fileHref, html, type Html, type HtmlValue } from './html.ts';

const EVIDENCE = { lines: 40, columns: 240 };
const MOST_FILES = 24;

/** All that somebody has to look at, opened, with its evidence, and what was flaky; nothing if there is nothing. */
export function failures(run: Run): Html | undefined {
  const hosts = run.hosts.filter(({ error }) => error !== undefined);
  const records = run.scenarios
    .filter(({ verdict }) => isBad(verdict) || verdict === 'flaky')
    .sort((a, b) => severityOf(b.verdict) - severityOf(a.verdict));
  if (hosts.length + records.length === 0) return undefined;
  return html`<section id="failures">
    <h2>What went wrong</h2>
    <p>With who has to act on it, and what to type next.</p>
    ${hosts.map(brokenHost)} ${records.map(failure)}
  </section>`;
}

function brokenHost({ name, error, crashed }: HostRecord): Html {
  return html`<details class="failure" data-verdict="error" open>
    <summary><span class="chip solid">host</span><b>${name}</b><span class="where">could not be used</span></summary>
    <dl>${error !== undefined && problem(error, crashed)}</dl>
  </details>`;
}

function failure(record: ScenarioRecord): Html {
  const { id, title, host, verdict, crashed, error, earlierErrors = [], artifacts, durationMs, attempts } = record;
  const facts = [
    variantText(record),
    `on ${host}`,
    formatDuration(durationMs),
    attempts > 1 ? `${attempts} attempts` : '',
  ];
  const content = html`
    <summary>
      ${chip(verdict)}<b>${id}</b><span class="where">${facts.filter((text) => text !== '').join(', ')}</span>
    </summary>
    <dl>
      ${title !== undefined && row('Expected', title)} ${error !== undefined && problem(error, crashed)}
      ${earlierErrors.map((earlier, index) => row(`Attempt ${index + 1}`, attempt(earlier)))}
      ${artifacts.length > 0 && row('Files', files(artifacts))}
    </dl>
  `;
  return isBad(verdict)
    ? html`<details class="failure" data-verdict="${verdict}" open>${content}</details>`
    : html`<details class="failure" data-verdict="${verdict}">${content}</details>`;
}

function attempt(earlier: Problem): Html {
  const [firstLine] = excerpt(earlier.message, { lines: 3, columns: 120 }).split('\n');
  return html`<details class="attempt">
    <summary>${firstLine}</summary>
    <dl>${problem(earlier)}</dl>
  </details>`;
}

const ACTORS: Readonly<Record<Problem['blame'], string>> = {
  usage: 'the caller',
  host: 'the host',
  guest: 'the guest',
  deviceModel: 'the device model',
  scenario: 'the scenario',
  harness: 'ioreqlab itself',
};

const VICTIMS = { guest: 'the guest', deviceModel: 'the device model', dom0: 'dom0', xen: 'Xen' } as const;

function problem({ blame, code, message, next, evidence }: Problem, crashed?: keyof typeof VICTIMS): Html {
  return html`
    ${row('Happened', html`<p class="message">${excerpt(message, { lines: 30, columns: 400 })}</p>`)}
    ${crashed !== undefined && row('Died', VICTIMS[crashed])}
    ${row('Blame', html`${ACTORS[blame]} <code class="code">${code}</code>`)}
    ${evidence !== undefined && row('Evidence', html`<pre tabindex="0">${excerpt(evidence, EVIDENCE)}</pre>`)}
    ${next !== undefined && row('Next', html`<pre class="command">${next}</pre>`)}
  `;
}

function row(label: string, value: HtmlValue): Html {
  return html`<dt>${label}</dt>
    <dd>${value}</dd>`;
}

function files(artifacts: readonly Artifact[]): Html {
  const shown = artifacts.slice(0, MOST_FILES);
  const more = artifacts.length - shown.length;
  return html`<ul class="files">
    ${shown.map(({ path, bytes }) => html`<li><a href="${fileHref(path)}">${lastOf(path)}</a> <small>${formatBytes(bytes)}</small></li>`)}
    ${more > 0 && html`<li><small>and ${more} more</small></li>`}
  </ul>`;
}

/** `attempt-1/trace.bin`: enough to tell the files of one scenario apart. */
function lastOf(path: string): string {
  return path.split('/').slice(-2).join('/');
}
