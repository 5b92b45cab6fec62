import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Artifact } from '../run-schema.ts';

/**
 * Every regular file below `directory` (a path inside `runDirectory`, with `/`), sorted by path. Symbolic links are left out,
 * since what they lead to may lie anywhere; so are names that have no place in `run.json`. A missing directory has no files.
 */
export async function artifactsBelow(runDirectory: string, directory: string): Promise<Artifact[]> {
  const found: Artifact[] = [];
  for (const entry of await entriesOf(join(runDirectory, directory))) {
    const path = `${directory}/${entry.name}`;
    if (/[\\\p{Cc}]/u.test(entry.name)) continue;
    if (entry.isDirectory()) found.push(...(await artifactsBelow(runDirectory, path)));
    else if (entry.isFile()) found.push({ path, bytes: (await lstat(join(runDirectory, path))).size });
  }
  return found;
}

async function entriesOf(directory: string) {
  try {
    const entries = await readdir(directory, { withFileTypes: true });
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}
