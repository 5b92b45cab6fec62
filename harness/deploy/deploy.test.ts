import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { SshConnection } from '../host/ssh/ssh-connection.ts';
import { TestSshd } from '../host/ssh/testing/test-sshd.ts';
import type { Bundle, BundleFile } from './bundle.ts';
import { deploy, type DeployOptions } from './deploy.ts';
import { runtimeDigest, runtimeFile } from './runtime.ts';

// A busy machine is no failure.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let sshd: TestSshd;
let ssh: SshConnection;
let directory: string;
let notes: string[];
let options: DeployOptions & { readonly directory: string };
beforeAll(async () => {
  sshd = await TestSshd.start();
  ssh = await SshConnection.open(sshd.target);
});
afterAll(async () => {
  await ssh[Symbol.asyncDispose]();
  await sshd[Symbol.asyncDispose]();
});
beforeEach(async () => {
  // The runtime is there already: copying a hundred megabytes is not what is tested.
  directory = join(sshd.directory, 'lab');
  rmSync(directory, { recursive: true, force: true });
  const place = join(directory, 'runtime', await runtimeDigest());
  mkdirSync(place, { recursive: true });
  symlinkSync(runtimeFile, join(place, 'node'));
  notes = [];
  options = { directory, note: (text) => notes.push(text) };
});

function file(name: string, contents: string | Buffer): BundleFile {
  const bytes = Buffer.from(contents as string);
  return { name, contents: bytes, digest: createHash('sha256').update(bytes).digest('hex') };
}

const bundle: Bundle = { digest: 'abc123', files: [file('agent.mjs', 'agent'), file('workload.elf', '\x7fELF')] };
const bundles = (): string[] => readdirSync(join(directory, 'bundle'));

/** Resolves when a file of the bundle has begun to arrive. */
async function isCopying(): Promise<void> {
  await vi.waitUntil(
    () =>
      existsSync(join(directory, 'bundle')) &&
      bundles().some((name) => readdirSync(join(directory, 'bundle', name)).length > 0),
    { interval: 1 },
  );
}

describe('deploying', () => {
  it('brings what is missing, and says where everything is', async () => {
    const deployment = await deploy(ssh, bundle, options);
    expect(deployment).toEqual({
      node: join(directory, 'runtime', await runtimeDigest(), 'node'),
      agent: join(directory, 'bundle/abc123/agent.mjs'),
      guest: join(directory, 'bundle/abc123/workload.elf'),
    });
    expect(bundle.files.map(({ name }) => readFileSync(join(directory, 'bundle/abc123', name), 'latin1'))).toEqual([
      'agent',
      '\x7fELF',
    ]);
    expect(statSync(deployment.agent).mode & 0o777).toBe(0o644);
    expect(bundles()).toEqual(['abc123']);
    expect(notes).toEqual(['copying the bundle']);
  });

  it('brings nothing that is there', async () => {
    await deploy(ssh, bundle, options);
    notes = [];
    const before = statSync(join(directory, 'bundle/abc123')).mtimeMs;
    await deploy(ssh, bundle, options);
    expect(notes).toEqual([]);
    expect(statSync(join(directory, 'bundle/abc123')).mtimeMs).toBe(before);
  });

  it('of two runs at once puts it there once', async () => {
    await Promise.all([deploy(ssh, bundle, options), deploy(ssh, bundle, options), deploy(ssh, bundle, options)]);
    expect(bundles()).toEqual(['abc123']);
  });

  it('leaves nothing of what arrived damaged', async () => {
    const damaged = {
      ...bundle,
      files: [bundle.files[0] as BundleFile, { ...file('x', 'x'), digest: 'f'.repeat(64) }],
    };
    await expect(deploy(ssh, damaged, options)).rejects.toMatchObject({
      ...{
        blame: 'host',
        code: 'DEPLOY_FAILED',
        message: 'deploying to 127.0.0.1: copying x failed: it arrived damaged',
      },
    });
    expect(bundles()).toEqual([]);
  });

  it('says what the host says when it cannot', async () => {
    await expect(deploy(ssh, bundle, { ...options, directory: '/proc/lab' })).rejects.toMatchObject({
      ...{ code: 'DEPLOY_FAILED', message: expect.stringMatching(/mkdir -p failed: .*\/proc\/lab/) as string },
      next: expect.stringContaining('/proc/lab') as string,
    });
    const inside = { ...bundle, files: [file('no/such/directory', 'x')] };
    await expect(deploy(ssh, inside, options)).rejects.toMatchObject({
      message: expect.stringContaining('copying no/such/directory failed: No such file') as string,
    });
    expect(bundles()).toEqual([]);
  });

  it('can be given up, and leaves nothing', async () => {
    const controller = new AbortController();
    const large = { ...bundle, files: [file('large', Buffer.alloc(30_000_000))] };
    const deploying = expect(deploy(ssh, large, { ...options, signal: controller.signal })).rejects.toThrow('enough');
    await isCopying();
    controller.abort(new Error('enough'));
    await deploying;
    expect(bundles()).toEqual([]);
  });

  it('ends when the connection does', async () => {
    await using own = await TestSshd.start();
    await using lost = await SshConnection.open(own.target);
    const large = { ...bundle, digest: 'large', files: [file('large', Buffer.alloc(30_000_000))] };
    const deploying = deploy(lost, large, options);
    const outcome = expect(deploying).rejects.toMatchObject({ blame: 'host' });
    await isCopying();
    own.kill();
    await outcome;
  });
});
