import { execFile } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

/** A user who may do nothing. */
const nobody = 65534;
const isRoot = process.getuid?.() === 0;

/**
 * A checkout with nothing but the set-up in it, and fakes of dpkg-query, apt-get, sudo and npm that note how they were
 * called. The real ones do their part whenever a fresh machine is set up.
 */
let checkout: string;
let fakes: string;

async function fake(name: string, script: string): Promise<void> {
  const text = `#!/bin/sh\n# A fake for a test.\necho "${name} $*" >> ${join(checkout, 'calls')}\n${script}\n`;
  await writeFile(join(fakes, name), text, { mode: 0o755 });
}

async function calls(): Promise<string[]> {
  const text = await readFile(join(checkout, 'calls'), 'utf8').catch(() => '');
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('dpkg-query'));
}

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function bootstrap(options: { uid?: number } = {}): Promise<Outcome> {
  const words = [join(checkout, 'infra/setup/bootstrap.mjs'), '--packages-only'];
  const env = { ...process.env, PATH: `${fakes}:${dirname(process.execPath)}:/usr/bin:/bin` };
  return await new Promise((resolve) => {
    execFile(process.execPath, words, { env, ...options }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

beforeEach(async () => {
  checkout = await mkdtemp(join(tmpdir(), 'ioreqlab-setup-'));
  fakes = join(checkout, 'fakes');
  await chmod(checkout, 0o777);
  await mkdir(fakes);
  await mkdir(join(checkout, 'node_modules'));
  await cp(import.meta.dirname, join(checkout, 'infra/setup'), { recursive: true });
  await writeFile(join(checkout, 'package-lock.json'), '{}\n');
  await writeFile(join(checkout, 'calls'), '', { mode: 0o666 });
  await chmod(join(checkout, 'calls'), 0o666);
  await fake('dpkg-query', 'echo installed');
  await fake('apt-get', 'exit 0');
  await fake('npm', 'exit 0');
  await fake('sudo', 'echo "a password is required" >&2; exit 1');
});

afterEach(async () => {
  await rm(checkout, { recursive: true, force: true });
});

describe('the set-up of a fresh checkout', () => {
  it('says what it installs before it does, and does it once', async () => {
    await fake('dpkg-query', 'case "$*" in *qemu-system-x86*|*make*) echo not-installed;; *) echo installed;; esac');
    const user = isRoot ? {} : { uid: nobody };
    if (!isRoot) await fake('sudo', 'while [ "$1" = -n ]; do shift; done; exec "$@"');
    const first = await bootstrap(user);
    expect(first).toMatchObject({ code: 0, stdout: '' });
    expect(first.stderr).toMatch(
      /missing and will be installed:\n  make .*\n  qemu-system-x86 +is the emulated host\n/,
    );
    const called = (await calls()).filter((line) => !line.startsWith('sudo'));
    expect(called).toEqual([
      'apt-get update',
      'apt-get install --yes --no-install-recommends make qemu-system-x86',
      'npm ci --no-progress',
    ]);

    await writeFile(join(checkout, 'calls'), '');
    await fake('dpkg-query', 'echo installed');
    const second = await bootstrap(user);
    expect(second).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(await calls()).toEqual([]);
  });

  it('installs the npm packages again when the lock file has changed', async () => {
    await bootstrap();
    await writeFile(join(checkout, 'package-lock.json'), '{"changed": true}\n');
    await writeFile(join(checkout, 'calls'), '');
    await bootstrap();
    expect(await calls()).toEqual(['npm ci --no-progress']);
  });

  it('without root and without sudo, says what to type', async () => {
    await fake('dpkg-query', 'case "$*" in *mmdebstrap*) echo not-installed;; *) echo installed;; esac');
    const { code, stderr } = await bootstrap(isRoot ? { uid: nobody } : {});
    expect(code).toBe(2);
    expect(stderr).toContain('error: installing them needs root, and sudo does not work without a password');
    expect(stderr).toMatch(/  next: sudo apt-get install --yes --no-install-recommends .*mmdebstrap/);
    expect((await calls()).filter((line) => line.startsWith('apt-get'))).toEqual([]);
  });

  it('when Debian cannot be reached, shows what apt-get said and what to do', async () => {
    await fake('dpkg-query', 'case "$*" in *mmdebstrap*) echo not-installed;; *) echo installed;; esac');
    await fake('apt-get', 'echo "E: Unable to locate package mmdebstrap" >&2; exit 100');
    if (!isRoot) await fake('sudo', 'while [ "$1" = -n ]; do shift; done; exec "$@"');
    const { code, stderr } = await bootstrap();
    expect(code).toBe(2);
    expect(stderr).toContain('| E: Unable to locate package mmdebstrap');
    expect(stderr).toMatch(/  next: see to the network, then: .*apt-get install/);
    expect((await calls()).filter((line) => line.startsWith('npm'))).toEqual([]);
  });

  it('when npm ci fails, shows what npm said, and tries again the next time', async () => {
    await fake('npm', 'echo "npm error network request failed"; exit 1');
    const failed = await bootstrap();
    expect(failed.code).toBe(2);
    expect(failed.stderr).toContain('| npm error network request failed');
    expect(failed.stderr).toMatch(/  next: .*npm ci/);
    await fake('npm', 'exit 0');
    expect(await bootstrap()).toMatchObject({ code: 0 });
  });
});
