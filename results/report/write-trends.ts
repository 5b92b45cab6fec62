import { dirname, resolve } from 'node:path';
import { writeAtomically } from '../run/atomic-write.ts';
import type { ListedRun } from '../run/list-runs.ts';
import { detectChanges } from '../trends/detect-changes.ts';
import { readHistory, type History } from '../trends/history.ts';
import { trendOf, type Trend } from '../trends/trend.ts';
import { trendsPage } from './trends-page.ts';

/** What {@link writeTrends} is told. */
export interface TrendsOptions {
  /** The file to write; what was there is replaced. */
  readonly out: string;
  /** Of ioreqlab, for the foot of the page. */
  readonly version: string;
  readonly notes?: readonly string[];
  readonly signal?: AbortSignal;
}

/** The trends that were found, and what they were made from. */
export interface Trends {
  readonly history: History;
  readonly trends: readonly Trend[];
}

/** Reads the runs and writes their trends as one HTML file. Runs that cannot be read are named in it. */
export async function writeTrends(
  runs: readonly ListedRun[],
  { out, version, notes, signal }: TrendsOptions,
): Promise<Trends> {
  const history = await readHistory(runs, signal);
  const trends = history.series.map((series) => trendOf(series, detectChanges));
  const directory = dirname(resolve(out));
  await writeAtomically(
    out,
    trendsPage(history, trends, { directory, version, ...(notes === undefined ? {} : { notes }) }),
  );
  return { history, trends };
}
