import { readdir, stat } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { isRunId } from './run-id.ts';

/** A run that was found on disk. */
export interface ListedRun {
  readonly id: string;
  readonly directory: string;
  /** An unfinished run is still going on, or was killed. */
  readonly state: 'finished' | 'unfinished';
}

/** All runs below `root`, newest first, without reading them. A root that does not exist yet holds none. */
export async function listRuns(root: string): Promise<ListedRun[]> {
  const names = await readdir(root).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  });
  const ids = names.filter(isRunId).sort().reverse();
  return await Promise.all(
    ids.map(async (id) => {
      const directory = join(root, id);
      const finished = await stat(join(directory, 'run.json')).catch(() => undefined);
      return { id, directory, state: finished === undefined ? 'unfinished' : 'finished' } as const;
    }),
  );
}

/** The directory that a user means by `latest`, a run's id or a path; nothing is looked up. */
export function runDirectory(root: string, which: string): string {
  return isRunId(which) || which === 'latest' ? join(root, which) : isAbsolute(which) ? which : resolve(which);
}
