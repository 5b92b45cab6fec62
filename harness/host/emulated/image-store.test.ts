import { mkdir, readdir, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { cacheAt } from './cache.ts';
import { imageInputs, keyOf, type ImageInputs } from './image-inputs.ts';
import { findDisk, findImage, forgetOthers, nextDirectory, sshTargetOf, stateDirectory } from './image-store.ts';
import { imageFiles, stateFiles } from './machine.ts';
import { stateInputs } from './machine-state.ts';
import { test } from './testing/test-in-directory.ts';

/** Writes an image whose files hold nothing but their names. */
async function putImage(directory: string, inputs: ImageInputs): Promise<void> {
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, imageFiles.disk), 'disk');
  const manifest = {
    inputs,
    created: new Date().toISOString(),
    packages: { 'xen-utils-4.20': '4.20.0' },
    files: { [imageFiles.disk]: { bytes: 4 } },
    hostKey: 'ssh-ed25519 AAAA',
  };
  await writeFile(join(directory, imageFiles.manifest), JSON.stringify(manifest));
}

test('the newest whole image is found', async ({ directory }) => {
  const cache = cacheAt(directory);
  const inputs = await imageInputs('4.20');
  expect(await findDisk(cache, inputs)).toBeUndefined();
  const first = await nextDirectory(cache, inputs);
  await putImage(first, inputs);
  expect(await findDisk(cache, inputs)).toMatchObject({ directory: first });

  const second = await nextDirectory(cache, inputs);
  await putImage(second, inputs);
  expect(await findDisk(cache, inputs)).toMatchObject({ directory: second, manifest: { inputs } });
  expect(await findDisk(cache, { ...inputs, format: 0 })).toBeUndefined();

  await truncate(join(second, imageFiles.disk), 2);
  expect(await findDisk(cache, inputs)).toMatchObject({ directory: first });
  await writeFile(join(first, imageFiles.manifest), '{"inputs": {');
  expect(await findDisk(cache, inputs)).toBeUndefined();
  expect(await nextDirectory(cache, inputs)).toMatch(/-3$/);
});

test('an image without a fitting state is no image', async ({ directory }) => {
  const cache = cacheAt(directory);
  const inputs = await imageInputs('4.20');
  const exact = await stateInputs('exact', 'tcg', '7.2');
  const at = await nextDirectory(cache, inputs);
  await putImage(at, inputs);
  expect(await findImage(cache, inputs, exact)).toBeUndefined();

  const state = stateDirectory(at, exact);
  await mkdir(state, { recursive: true });
  await writeFile(join(state, 'devices'), '12345');
  const manifest = { ...{ timing: 'exact', accelerator: 'tcg', qemu: '7.2', bootSeconds: 1 }, created: new Date() };
  const files = { devices: { bytes: 5 } };
  await writeFile(join(state, stateFiles.manifest), JSON.stringify({ ...manifest, files }));
  const image = await findImage(cache, inputs, exact);
  expect(image).toMatchObject({ xen: '4.20', timing: 'exact', directory: at, stateDirectory: state });
  expect(await findImage(cache, inputs, await stateInputs('exact', 'tcg', '8.0'))).toBeUndefined();
  expect(await findImage(cache, inputs, await stateInputs('wall', 'tcg', '7.2'))).toBeUndefined();
});

test('logging in takes the keys of the image', async ({ directory }) => {
  const cache = cacheAt(directory);
  const inputs = await imageInputs('4.20');
  const at = await nextDirectory(cache, inputs);
  await putImage(at, inputs);
  const disk = await findDisk(cache, inputs);
  expect(disk && sshTargetOf(disk, 2222)).toEqual({
    address: '127.0.0.1',
    port: 2222,
    user: 'root',
    privateKeyFile: join(at, 'id_ed25519'),
    hostKeys: ['ssh-ed25519 AAAA'],
  });
});

test('of the other images of a Xen the newest is kept', async ({ directory }) => {
  const cache = cacheAt(directory);
  for (const [index, name] of ['4.20-a-1', '4.20-b-1', '4.20-b-2', '4.20-c-1', '4.14-a-1'].entries()) {
    await mkdir(join(cache.images, name), { recursive: true });
    await utimes(join(cache.images, name), index, index);
  }
  await forgetOthers(cache, '4.20', join(cache.images, '4.20-b-1'));
  expect((await readdir(cache.images)).sort()).toEqual(['4.14-a-1', '4.20-b-1', '4.20-c-1']);
});

test('the key of a state depends on the machine', async () => {
  const keys = [
    await stateInputs('exact', 'tcg', '7.2'),
    await stateInputs('wall', 'tcg', '7.2'),
    await stateInputs('wall', 'kvm', '7.2'),
    await stateInputs('exact', 'tcg', '7.3'),
  ].map(keyOf);
  expect(new Set(keys).size).toBe(keys.length);
});
