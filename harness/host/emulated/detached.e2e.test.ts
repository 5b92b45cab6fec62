import { readdir, readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { beforeAll, expect } from 'vitest';
import { SshConnection } from '../ssh/ssh-connection.ts';
import { cacheAt } from './cache.ts';
import { downHost, findHosts, upHost } from './detached.ts';
import { ensureImage, type EmulatedImage } from './image.ts';
import { startTimeOf } from './process-identity.ts';
import { gone, runScript } from './testing/run-script.ts';
import { test } from './testing/test-in-directory.ts';
import { defaultXenVersion } from './xen-versions.ts';

let cached: EmulatedImage;

beforeAll(async () => {
  cached = await ensureImage({ xen: defaultXenVersion });
}, 900_000);

/** Ends, when disposed of, whatever a test has started in its directory and, because it failed, not ended. */
function endingAll(directory: string): AsyncDisposable {
  return {
    async [Symbol.asyncDispose]() {
      for (const { name } of await findHosts(directory)) await downHost(name, directory);
    },
  };
}

/** The image, with records in a directory of the test. */
function imageIn(directory: string): EmulatedImage {
  return { ...cached, cache: { ...cacheAt(directory), temporary: cached.cache.temporary } };
}

test('a host that stays is found, used, and ended by name', async ({ directory }) => {
  await using _ = endingAll(directory);
  await using owner = runScript('host-starter.ts', [directory]);
  await owner.exited;
  const [host, ...others] = await findHosts(directory);
  if (!host) throw new Error(`no host is up: ${owner.lines.join('\n')}`);
  expect(others).toEqual([]);
  expect(host.name).toBe(`emulated-${defaultXenVersion}`);

  const said = await typed(host.console, 'echo answer $((6 * 7))\n', /answer 42/);
  expect(said).toContain('answer 42');
  await expect.poll(async () => await readFile(host.serialLog, 'utf8')).toContain('answer 42');
  {
    await using ssh = await SshConnection.open(host.ssh);
    expect((await ssh.run(['hostname'])).stdout.trim()).toBe('dom0');
  }

  await expect(upHost({ image: imageIn(directory) })).rejects.toMatchObject({
    blame: 'usage',
    code: 'HOST_UP',
    next: expect.stringContaining(`host down ${host.name}`),
  });
  await downHost(host.name, directory);
  expect(await startTimeOf(host.pid)).toBeUndefined();
  expect(await findHosts(directory)).toEqual([]);
  expect(await readdir(cacheAt(directory).hosts)).toEqual([]);
  await expect(downHost(host.name, directory)).rejects.toMatchObject({ blame: 'usage', code: 'HOST_NOT_UP' });
});

test('a host that died is not found any more, and its name is free', async ({ directory }) => {
  await using _ = endingAll(directory);
  const image = imageIn(directory);
  const first = await upHost({ image, name: 'mine' });
  process.kill(first.pid, 'SIGKILL');
  await gone(first.pid);
  expect(await findHosts(directory)).toEqual([]);
  const second = await upHost({ image, name: 'mine' });
  expect(await findHosts(directory)).toEqual([second]);
  await downHost('mine', directory);
});

test('what cannot be is told', async ({ directory }) => {
  const image = imageIn(directory);
  await expect(upHost({ image, name: '../etc' })).rejects.toMatchObject({ code: 'NAME_INVALID' });
  await expect(upHost({ image: imageIn(`${directory}/${'long/'.repeat(20)}`) })).rejects.toMatchObject({
    code: 'SOCKET_PATH_TOO_LONG',
  });
  expect(await findHosts(directory)).toEqual([]);
});

/** Types on a console until something is printed. */
async function typed(socketPath: string, text: string, pattern: RegExp): Promise<string> {
  const socket = connect(socketPath);
  try {
    return await new Promise<string>((resolve, reject) => {
      let said = '';
      socket.setTimeout(30_000, () => reject(new Error(`nothing like ${String(pattern)} in: ${said}`)));
      socket.on('error', reject);
      socket.on('data', (chunk) => {
        said += chunk.toString();
        if (pattern.test(said)) resolve(said);
      });
      socket.write(text);
    });
  } finally {
    socket.destroy();
  }
}
