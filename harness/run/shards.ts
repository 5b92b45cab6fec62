import { readRun, runDirectory } from '../../results/index.ts';
import { byHarmAndId, type ScenarioFile } from './select.ts';

/** What a file costs that was never run, in milliseconds: timing many accesses takes long, all else is quick. */
const guess = ({ id }: ScenarioFile): number => (id.startsWith('performance/') ? 25_000 : 1_000);

/** How long each scenario took in the newest run, by id; empty when there is none. */
export async function lastDurations(root: string): Promise<ReadonlyMap<string, number>> {
  const durations = new Map<string, number>();
  try {
    const { scenarios } = await readRun(runDirectory(root, 'latest'));
    for (const { id, durationMs, verdict } of scenarios) {
      if (verdict === 'pass') durations.set(id, (durations.get(id) ?? 0) + durationMs);
    }
  } catch {
    // No run, or none that can be read: guesses will do.
  }
  return durations;
}

/**
 * Parts of about the same duration, each in the order in which it runs: the longest first, each to the part that has least. Never
 * an empty part.
 */
export function splitFiles(
  files: readonly ScenarioFile[],
  parts: number,
  durations: ReadonlyMap<string, number>,
): ScenarioFile[][] {
  const cost = (file: ScenarioFile): number => durations.get(file.id) ?? guess(file);
  const shards = Array.from({ length: Math.max(1, Math.min(parts, files.length)) }, () => ({
    files: [] as ScenarioFile[],
    cost: 0,
  }));
  for (const file of [...files].sort((a, b) => cost(b) - cost(a))) {
    const least = shards.reduce((best, shard) => (shard.cost < best.cost ? shard : best));
    least.files.push(file);
    least.cost += cost(file);
  }
  return shards.map((shard) => shard.files.sort(byHarmAndId));
}
