import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test as base } from 'vitest';

/** Vitest's `test` with a `directory` of its own, removed at the end; absolute path. */
export const test = base.extend<{ directory: string }>({
  directory: async ({}, use) => {
    const directory = await mkdtemp(join(tmpdir(), 'ioreqlab-test-'));
    await use(directory);
    await rm(directory, { recursive: true, force: true });
  },
});
