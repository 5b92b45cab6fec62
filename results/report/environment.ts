import { formatDuration } from '../text/format.ts';
import type { HostRecord, Run } from '../run-schema.ts';
import { html, type Html } from './html.ts';

/** What each host was, a column each; what differs between hosts is marked. */
export function environmentSection({ hosts }: Run): Html | undefined {
  if (hosts.length === 0) return undefined;
  const columns = hosts.map(entriesOf);
  const names = [...new Set(columns.flatMap((entries) => [...entries.keys()]))];
  const rows = names.map((name) => ({ name, values: columns.map((entries) => entries.get(name) ?? '') }));
  return html`<section id="environment">
    <h2>Environment</h2>
    <p>
      ${hosts.length > 1 ? 'Rows that differ between the hosts are shaded. ' : ''}The long form is in hosts/…/env.json.
    </p>
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th></th>
            ${hosts.map(({ name }) => html`<th>${name}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${rows.map(
            ({ name, values }) =>
              html`<tr class="${new Set(values).size > 1 && 'differs'}">
                <th scope="row"><small>${name}</small></th>
                ${values.map((value) => html`<td class="mono">${value}</td>`)}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </section>`;
}

function entriesOf({ kind, timing, xen, dom0, env = {}, phases = [] }: HostRecord): Map<string, string> {
  const entries: [string, string | number | boolean | undefined][] = [
    ['kind', kind],
    ['timing', timing],
    ['xen.version', xen?.version],
    ['xen.changeset', xen?.changeset],
    ['xen.buildId', xen?.buildId],
    ['xen.commandLine', xen?.commandLine],
    ['dom0.kernel', dom0?.kernel],
    ['dom0.commandLine', dom0?.commandLine],
    ...Object.entries(env),
    ...phases.map(({ name, durationMs }): [string, string] => [`time to ${name}`, formatDuration(durationMs)]),
  ];
  return new Map(entries.flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])));
}
