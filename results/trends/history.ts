import type { ListedRun } from '../run/list-runs.ts';
import { SeriesBuilder, type Series } from './series.ts';
import { parseStored, storedText } from './run-figures.ts';

/** What many stored runs measured. */
export interface History {
  readonly series: readonly Series[];
  /** How many were read; those without measurements too. */
  readonly runs: number;
  /** Of the oldest and the newest of them: milliseconds since 1970; undefined without any. */
  readonly from: number | undefined;
  readonly to: number | undefined;
  /** Those that could not be, with the reason. */
  readonly unreadable: readonly { readonly id: string; readonly why: string }[];
}

/** Files that are read at the same time: enough to keep the disk busy while others are parsed, few enough to stay small. */
const AT_ONCE = 16;

/**
 * Reads finished runs, a few at a time, in the order of their ids, which is that of time. The next files are on their way
 * while those before are parsed. Memory grows with the figures that are kept, not with the size of the files.
 */
export async function readHistory(runs: readonly ListedRun[], signal?: AbortSignal): Promise<History> {
  const finished = runs
    .filter(({ state }) => state === 'finished')
    .sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  const builder = new SeriesBuilder();
  const unreadable: { id: string; why: string }[] = [];
  let [count, from, to] = [0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const read = async (start: number) =>
    await Promise.all(
      finished.slice(start, start + AT_ONCE).map(async (run) => ({ run, ...(await storedText(run.directory)) })),
    );

  let coming = read(0);
  for (let start = 0; start < finished.length; start += AT_ONCE) {
    signal?.throwIfAborted();
    const texts = await coming;
    coming = read(start + AT_ONCE);
    for (const { run, ...stored } of texts) {
      const reading = 'why' in stored ? stored : parseStored(stored.text);
      if ('why' in reading) {
        unreadable.push({ id: run.id, why: reading.why });
        continue;
      }
      builder.add(reading.run, run.directory);
      const at = Date.parse(reading.run.startedAt);
      [count, from, to] = [count + 1, Math.min(from, at), Math.max(to, at)];
    }
  }
  await coming;
  const series = builder.finish();
  return { series, runs: count, unreadable, from: count === 0 ? undefined : from, to: count === 0 ? undefined : to };
}
