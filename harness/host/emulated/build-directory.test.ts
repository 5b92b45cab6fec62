import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { BuildDirectory } from './build-directory.ts';
import { mountsBelow, removeTree } from './remove-tree.ts';
import { test } from './testing/test-in-directory.ts';

test('what is finished is in its place, without intermediate files', async ({ directory }) => {
  const target = join(directory, 'images/4.20-one');
  await using build = await BuildDirectory.create(target, '4.20-');
  await writeFile(join(build.scratch, 'rest'), '');
  await writeFile(join(build.path, 'disk'), '');
  await expect(stat(target)).rejects.toMatchObject({ code: 'ENOENT' });
  await build.finish();
  expect(await readdir(target)).toEqual(['disk']);
  expect(await readdir(join(directory, 'images'))).toEqual(['4.20-one']);
});

test('what is not finished vanishes', async ({ directory }) => {
  {
    await using build = await BuildDirectory.create(join(directory, 'one'), '');
    await mkdir(join(build.scratch, 'a/b'), { recursive: true });
  }
  expect(await readdir(directory)).toEqual([]);
});

test("dead builders' leftovers are removed, other locks' are not", async ({ directory }) => {
  for (const name of ['.build-4.20-old-1-abc', '.build-4.14-other-1-abc', '4.20-whole-1']) {
    await mkdir(join(directory, name, 'scratch'), { recursive: true });
  }
  await using build = await BuildDirectory.create(join(directory, '4.20-new-1'), '4.20-');
  await build.finish();
  expect((await readdir(directory)).sort()).toEqual(['.build-4.14-other-1-abc', '4.20-new-1', '4.20-whole-1']);
});

test('mounts are found, whatever their names', async ({ directory }) => {
  const table = join(directory, 'mountinfo');
  const line = (point: string): string => `36 35 98:0 / ${point} rw,noatime - ext4 /dev/vda rw`;
  await writeFile(
    table,
    [line('/'), line('/a'), line('/a\\040b/proc'), line('/a\\040b/proc/x'), line('/ab')].join('\n'),
  );
  expect(await mountsBelow('/a b', table)).toEqual(['/a b/proc/x', '/a b/proc']);
  expect(await mountsBelow('/a', table)).toEqual([]);
});

test('nothing is removed below which something is mounted', async () => {
  // Whatever a machine has mounted: /proc is below the root, and nobody could remove it.
  await expect(removeTree('')).rejects.toMatchObject({ code: 'STILL_MOUNTED' });
});
