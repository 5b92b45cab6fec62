import { readFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { beforeAll, describe, expect } from 'vitest';
import { SshConnection } from '../ssh/ssh-connection.ts';
import { startEmulatedHost, type EmulatedHost } from './emulated-host.ts';
import { ensureImage, type EmulatedImage } from './image.ts';
import { startTimeOf } from './process-identity.ts';
import { gone, runScript } from './testing/run-script.ts';
import { test } from './testing/test-in-directory.ts';
import { defaultXenVersion } from './xen-versions.ts';

let image: EmulatedImage;

beforeAll(async () => {
  image = await ensureImage({ xen: defaultXenVersion });
}, 900_000);

/** What a command prints in dom0. */
async function inDom0(host: EmulatedHost, ...words: string[]): Promise<string> {
  await using ssh = await SshConnection.open(host.ssh, AbortSignal.timeout(60_000));
  return (await ssh.run(words, AbortSignal.timeout(60_000))).stdout.trim();
}

describe('a restored host', () => {
  test('runs the Xen that was asked for, and answers at once', async ({ directory }) => {
    const startedAt = performance.now();
    await using host = await startEmulatedHost({ image, serialLog: join(directory, 'log') });
    const [major, minor] = defaultXenVersion.split('.');
    const info = await inDom0(host, 'xl', 'info');
    // The aim is five seconds; a machine that does other things as well shall not fail the test.
    expect(performance.now() - startedAt).toBeLessThan(30_000);
    expect(info).toMatch(new RegExp(`^xen_major +: ${major}$`, 'm'));
    expect(info).toMatch(new RegExp(`^xen_minor +: ${minor}$`, 'm'));
    expect(info).toMatch(/^virt_caps .*hvm.*hap/m);
    expect(info).toMatch(/^nr_cpus +: 2$/m);
    expect(host).toMatchObject({ name: `emulated-${defaultXenVersion}`, timing: 'exact', accelerator: 'tcg' });
  });

  test('holds the Node runtime, by its digest', async ({ directory }) => {
    await using host = await startEmulatedHost({ image, serialLog: join(directory, 'log') });
    const node = `/var/lib/ioreqlab/runtime/${image.manifest.inputs.runtime}/node`;
    expect(await inDom0(host, node, '--version')).toMatch(/^v\d+\.\d+\.\d+$/);
    expect(await inDom0(host, 'sha256sum', node)).toContain(image.manifest.inputs.runtime);
  });

  test('has memory and a disk of its own, which are thrown away', async ({ directory }) => {
    await using one = await startEmulatedHost({ image, serialLog: join(directory, 'one') });
    await using two = await startEmulatedHost({ image, serialLog: join(directory, 'two') });
    expect(one.ssh.port).not.toBe(two.ssh.port);
    await inDom0(one, 'sh', '-c', 'echo here > /root/mark; sync; echo 3 > /proc/sys/vm/drop_caches');
    expect(await inDom0(one, 'cat', '/root/mark')).toBe('here');
    expect(await inDom0(two, 'ls', '/root')).toBe('');
  });

  test('counts instructions: the same work takes the same time', async ({ directory }) => {
    const script =
      'const run = () => { const from = process.hrtime.bigint(); let x = 0; ' +
      'for (let i = 0; i < 5e6; i++) x = (x * 31 + i) | 0; return Number(process.hrtime.bigint() - from); };' +
      'for (let i = 0; i < 9; i++) run(); console.log([run(), run(), run()].sort((a, b) => a - b)[1])';
    const node = `/var/lib/ioreqlab/runtime/${image.manifest.inputs.runtime}/node`;
    const figures: number[] = [];
    for (const name of ['one', 'two']) {
      await using host = await startEmulatedHost({ image, serialLog: join(directory, name) });
      figures.push(Number(await inDom0(host, node, '-e', script)));
    }
    const [one = 0, two = 0] = figures;
    expect(one).toBeGreaterThan(0);
    expect(Math.abs(one - two) / one).toBeLessThan(0.001);
  });

  test('logs its serial console', async ({ directory }) => {
    const log = join(directory, 'serial, and more.log');
    await using host = await startEmulatedHost({ image, serialLog: log });
    await inDom0(host, 'sh', '-c', 'echo from dom0 > /dev/hvc0');
    await expect.poll(async () => await readFile(log, 'utf8'), { timeout: 10_000 }).toContain('from dom0');
  });
});

describe('the end of a host', () => {
  test('comes with its disposal', async ({ directory }) => {
    const host = await startEmulatedHost({ image, serialLog: join(directory, 'log') });
    await host[Symbol.asyncDispose]();
    expect(await startTimeOf(host.pid)).toBeUndefined();
    expect(await host.exited).toEqual({ code: null, signal: 'SIGKILL' });
  });

  test('comes with the signal, at any time', async ({ directory }) => {
    const abort = new AbortController();
    const host = await startEmulatedHost({ image, serialLog: join(directory, 'log'), signal: abort.signal });
    abort.abort(new Error('enough'));
    await host.exited;
    await expect(startEmulatedHost({ image, serialLog: join(directory, 'log'), signal: abort.signal })).rejects.toThrow(
      'enough',
    );
    for (const delay of [1, 20, 60, 120]) {
      const signal = AbortSignal.timeout(delay);
      const started = startEmulatedHost({ image, serialLog: join(directory, 'log'), signal });
      await started.then(
        (late) => late.exited,
        (error: unknown) => expect(error).toMatchObject({ name: 'TimeoutError' }),
      );
    }
  });

  test('comes with the end of its owner, even by SIGKILL', async ({ directory }) => {
    await using owner = runScript('host-owner.ts', [join(directory, 'log')]);
    const pid = Number(await owner.line(/^pid (\d+)/));
    expect(await startTimeOf(pid)).toBeDefined();
    await owner.kill();
    await gone(pid);
  });
});

describe('the port of a host', () => {
  test('is the one that was asked for', async ({ directory }) => {
    const sshPort = await freePort();
    await using host = await startEmulatedHost({ image, serialLog: join(directory, 'log'), sshPort });
    expect(host.ssh.port).toBe(sshPort);
    expect(await inDom0(host, 'hostname')).toBe('dom0');
  });

  test('is an error that names it when it is taken', async ({ directory }) => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    await expect(startEmulatedHost({ image, serialLog: join(directory, 'log'), sshPort: port })).rejects.toMatchObject({
      blame: 'usage',
      code: 'PORT_TAKEN',
      message: expect.stringContaining(String(port)),
    });
    server.close();
  });

  test.each([-1, 65_536, 22.5, NaN])('is no %d', async (sshPort) => {
    await expect(startEmulatedHost({ image, serialLog: '/dev/null', sshPort })).rejects.toMatchObject({
      code: 'PORT_INVALID',
    });
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
