import type { Params, Run, ScenarioRecord } from './run-schema.ts';
import { paramsText } from './run/scenario-place.ts';
import { worst, type Verdict } from './verdict.ts';

/** One variant of a scenario on all hosts: a row of a verdict table. */
export interface VerdictRow {
  readonly id: string;
  /** `environment=pvh`, or nothing. */
  readonly variant: string;
  /** By host name; a host that did not have to run it has none. */
  readonly records: ReadonlyMap<string, ScenarioRecord>;
  /** Of all hosts. */
  readonly worst: Verdict;
}

/** The rows in the order in which the scenarios ran first. */
export function verdictRows(run: Run): VerdictRow[] {
  const rows = new Map<string, { id: string; variant: string; records: Map<string, ScenarioRecord> }>();
  for (const record of run.scenarios) {
    const variant = variantText(record);
    const key = JSON.stringify([record.id, variant]);
    const row = rows.get(key) ?? { id: record.id, variant, records: new Map<string, ScenarioRecord>() };
    row.records.set(record.host, record);
    rows.set(key, row);
  }
  return [...rows.values()].map((row) => ({
    ...row,
    worst: worst([...row.records.values()].map(({ verdict }) => verdict)),
  }));
}

/** What tells a record from others of the same scenario on the same host: params, and which repetition it is. */
export function variantText({ params, repetition }: { params: Params; repetition?: number | undefined }): string {
  return [paramsText(params), repetition === undefined ? '' : `#${repetition}`].filter((text) => text !== '').join(' ');
}

/** True for what somebody has to look at: no verdict, failed or crashed. */
export function isBad(verdict: Verdict): boolean {
  return verdict === 'error' || verdict === 'fail' || verdict === 'crash';
}
