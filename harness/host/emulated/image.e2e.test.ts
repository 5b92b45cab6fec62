import { once } from 'node:events';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect } from 'vitest';
import { $ } from 'zx';
import { cacheAt } from './cache.ts';
import { ensureImage } from './image.ts';
import { imageFiles } from './machine.ts';
import { asRoot } from './name-spaces.ts';
import { runScript } from './testing/run-script.ts';
import { test } from './testing/test-in-directory.ts';
import { defaultXenVersion } from './xen-versions.ts';

/** Port 9, discard: nothing listens there. */
const noMirror = 'http://127.0.0.1:9';

/** Everything in a cache but lock files. */
async function contents(directory: string): Promise<string[]> {
  const { images, temporary, hosts } = cacheAt(directory);
  const lists = await Promise.all([images, temporary, hosts].map((path) => readdir(path).catch(() => [])));
  return lists.flat();
}

describe('without an image', () => {
  test('no network is an error that says what to do, and leaves nothing', async ({ directory }) => {
    const notes: string[] = [];
    const made = ensureImage({
      xen: defaultXenVersion,
      cacheDirectory: directory,
      mirror: noMirror,
      note: (text) => notes.push(text),
    });
    await expect(made).rejects.toMatchObject({
      blame: 'host',
      code: 'NETWORK_DOWN',
      message: expect.stringContaining('127.0.0.1:9'),
      next: expect.stringContaining('IOREQLAB_MIRROR'),
      evidence: expect.stringMatching(/\w/),
    });
    expect(notes).toContain("read Debian's package lists");
    expect(await contents(directory)).toEqual([]);
  });

  test('a killed builder leaves no process, and the next one removes the rest', async ({ directory }) => {
    const env = { IOREQLAB_CACHE: directory };
    await using builder = runScript('image-maker.ts', [defaultXenVersion], { env });
    await builder.line(/^note unpack packages/);
    await sleep(500);
    await builder.kill();
    await expect.poll(async () => await processesIn(directory), { timeout: 10_000 }).toEqual([]);
    expect((await contents(directory)).length).toBe(1);

    await using next = runScript('image-maker.ts', [defaultXenVersion], { env: { ...env, IOREQLAB_MIRROR: noMirror } });
    await next.line(/^failed NETWORK_DOWN/);
    expect(await contents(directory)).toEqual([]);
  });

  test('an end by the signal leaves nothing', async ({ directory }) => {
    // A mirror that takes connections and never answers.
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const connected = once(server, 'connection');
    const abort = new AbortController();
    const made = ensureImage({
      xen: defaultXenVersion,
      cacheDirectory: directory,
      mirror: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      signal: abort.signal,
    });
    await Promise.race([connected, made]);
    abort.abort(new Error('enough'));
    await expect(made).rejects.toThrow('enough');
    expect(await processesIn(directory)).toEqual([]);
    expect(await contents(directory)).toEqual([]);
    server.close();
  });

  test('a small disk is told before anything begins', async ({ directory }) => {
    const inside = [
      'unshare',
      ...asRoot,
      '--mount',
      '--',
      'sh',
      '-c',
      'mount -t tmpfs -o size=64m none "$0" && exec "$@"',
    ];
    const env = { IOREQLAB_CACHE: directory };
    await using maker = runScript('image-maker.ts', [defaultXenVersion], { env, inside: [...inside, directory] });
    await maker.line(/^failed DISK_FULL: .*0\.1 GiB free; .* needs/);
    expect(maker.lines.filter((line) => line.startsWith('note'))).toEqual([]);
  });
});

test('a host that does not boot is told with the end of its console', async ({ directory }) => {
  const copy = await copyDisk(directory);
  const { size } = await stat(join(copy, imageFiles.kernel));
  await writeFile(join(copy, imageFiles.kernel), Buffer.alloc(size, 'no kernel'));
  await expect(
    ensureImage({ xen: defaultXenVersion, timing: 'wall', accelerator: 'tcg', cacheDirectory: directory }),
  ).rejects.toMatchObject({
    blame: 'host',
    code: 'BOOT_FAILED',
    message: expect.stringContaining('Panic on CPU 0'),
    evidence: expect.stringContaining('(XEN)'),
  });
  expect(await readdir(join(copy, imageFiles.states))).toEqual([]);
});

test('of two builders at once one builds, and the other waits for it', async ({ directory }) => {
  await copyDisk(directory);
  const env = { IOREQLAB_CACHE: directory };
  await using one = runScript('image-maker.ts', [defaultXenVersion], { env });
  await one.line(/^note Xen starts/);
  await using two = runScript('image-maker.ts', [defaultXenVersion], { env });
  await two.line(/^note wait for another process/);
  await Promise.all([one.exited, two.exited]);
  const last = one.lines.at(-1);
  expect(last).toMatch(/^state \/.* of 2/);
  expect(two.lines.at(-1)).toBe(last);
  expect(two.lines.filter((line) => line.includes('Xen starts'))).toEqual([]);
}, 600_000);

/** Copies the image, but for its saved states, from the cache to another; what remains to be made is a state. */
async function copyDisk(directory: string): Promise<string> {
  const image = await ensureImage({ xen: defaultXenVersion });
  const { images } = cacheAt(directory);
  await mkdir(images, { recursive: true });
  await $`cp --recursive --sparse=always ${image.directory} ${images}`;
  const copy = join(images, basename(image.directory));
  await rm(join(copy, imageFiles.states), { recursive: true });
  return copy;
}

/** Ids of the processes whose command line or working directory names a directory. */
async function processesIn(directory: string): Promise<string[]> {
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && name !== String(process.pid));
  const lines = await Promise.all(
    ids.map(async (id) => [id, await readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '')] as const),
  );
  return lines.filter(([, line]) => line.includes(directory)).map(([id]) => id);
}
