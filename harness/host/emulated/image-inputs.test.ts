import { chmod, mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { imageInputs, imageInputsSchema, keyOf } from './image-inputs.ts';
import { test } from './testing/test-in-directory.ts';

test('the inputs are the same as long as nothing changes', async ({ directory }) => {
  await mkdir(join(directory, 'hooks'));
  await writeFile(join(directory, 'hooks/pack'), 'one');
  const key = async (): Promise<string> => keyOf(await imageInputs('4.20', directory));
  const first = await key();
  expect(first).toMatch(/^[0-9a-f]{12}$/);
  expect(await key()).toBe(first);
  await writeFile(join(directory, 'README.md'), 'for people');
  expect(await key()).toBe(first);

  await writeFile(join(directory, 'hooks/pack'), 'two');
  const changed = await key();
  await chmod(join(directory, 'hooks/pack'), 0o755);
  const executable = await key();
  await rename(join(directory, 'hooks/pack'), join(directory, 'hooks/other'));
  expect(new Set([first, changed, executable, await key()]).size).toBe(4);
});

test('each Xen has inputs of its own, which survive a manifest', async () => {
  const [one, other] = await Promise.all([imageInputs('4.20'), imageInputs('4.14')]);
  expect(keyOf(one)).not.toBe(keyOf(other));
  expect(imageInputsSchema.parse(JSON.parse(JSON.stringify(one)))).toEqual(one);
});
