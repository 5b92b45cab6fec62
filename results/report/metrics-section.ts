import { formatNumber } from '../text/format.ts';
import { isRung } from '../ladder.ts';
import type { Metric, Run, ScenarioRecord } from '../run-schema.ts';
import { variantText } from '../verdict-rows.ts';
import { heading } from './heading.ts';
import { html, type Html } from './html.ts';

const COLUMNS = ['p50', 'p90', 'p99', 'p999', 'max', 'n'] as const;
const HEADINGS = ['Median', 'p90', 'p99', 'p99.9', 'Max', 'n'];

/** What was measured besides the ladder, as figures. */
export function metricsSection({ scenarios }: Run): Html | undefined {
  const measured = scenarios.filter(({ metrics }) => !metrics.every(isRung));
  if (measured.length === 0) return undefined;
  return html`<section id="metrics">
    <h2>Measurements</h2>
    <div class="filter" data-table="metric-table">
      <input type="search" placeholder="Filter by words" aria-label="Filter the measurements by words" />
    </div>
    <div class="scroll">
      <table id="metric-table">
        <thead>
          <tr>
            ${heading('Quantity')} ${heading('Scenario')} ${heading('Host')}
            ${HEADINGS.map((name) => heading(name, 'number'))}
          </tr>
        </thead>
        <tbody>
          ${measured.map((record) => record.metrics.filter((metric) => !isRung(metric)).map((metric) => row(record, metric)))}
        </tbody>
      </table>
    </div>
  </section>`;
}

function row(record: ScenarioRecord, metric: Metric): Html {
  return html`<tr>
    <th scope="row">${metric.name} <small>${metric.unit} (${metric.kind})</small></th>
    <td>${record.id} <small>${variantText(record)}</small></td>
    <td class="nowrap">${record.host}</td>
    ${COLUMNS.map((column) => html`<td class="number" data-key="${metric[column]}">${formatNumber(metric[column])}</td>`)}
  </tr>`;
}
