import { knownDifferences } from '../known-differences.ts';
import type { Run } from '../run-schema.ts';
import { formatCount } from '../text/format.ts';
import { excerpt } from '../text/untrusted-text.ts';
import { chip } from './chip.ts';
import { html, type Html } from './html.ts';

/** What differs from what Xen should do and is explained, each once; nothing if there is nothing. */
export function knownSection(run: Run): Html | undefined {
  const all = knownDifferences(run);
  if (all.length === 0) return undefined;
  return html`<section id="known">
    <h2>Known differences</h2>
    <p>What is explained by a commit of Xen, an advisory, or evidence that the scenario has taken itself.</p>
    ${all.map(
      ({ reason, results, ids, hosts, seen }) =>
        html`<details class="failure" data-verdict="known">
          <summary>
            ${chip('known')}<b>${reason}</b><span class="where">${formatCount(results, 'result')}</span>
          </summary>
          <dl>
            <dt>Scenarios</dt>
            <dd>${ids.join(', ')}</dd>
            <dt>Hosts</dt>
            <dd>${hosts.join(', ')}</dd>
            ${
              seen !== undefined &&
              html`<dt>Seen</dt>
                <dd><pre tabindex="0">${excerpt(seen, { lines: 20, columns: 240 })}</pre></dd>`
            }
          </dl>
        </details>`,
    )}
  </section>`;
}
