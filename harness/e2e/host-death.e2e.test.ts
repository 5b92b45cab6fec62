import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readRun } from '../../results/index.ts';
import { ensureImage } from '../host/emulated/image.ts';
import { sshTargetOf } from '../host/emulated/image-store.ts';
import { SshConnection } from '../host/ssh/ssh-connection.ts';
import { Cli } from './cli.ts';
import { Place } from './place.ts';
import { descendantsOf, listeningPortOf, qemusOf, stillRunning } from './processes.ts';

let place: Place;

beforeAll(async () => {
  place = await Place.create();
});

afterAll(async () => {
  await place[Symbol.asyncDispose]();
});

function start(...scenarios: readonly string[]): Cli {
  const words = ['run', ...scenarios, '--scenarios', 'harness/e2e/scenarios', '--environment', 'pvh'];
  return Cli.start([...words, '--out', place.runs, '--json'], { env: place.env });
}

test('a host that is gone is told with how, and is no verdict on Xen', async () => {
  await using cli = start('waits/1-endless');
  await cli.stderr.line(/e2e: the guest runs/);
  const processes = await descendantsOf(cli.pid);
  const [qemu, ...others] = await qemusOf(cli.pid);
  expect(others).toEqual([]);
  process.kill(qemu?.pid ?? 0, 'SIGKILL');

  const { code, stderr } = await cli.ended;
  expect(stderr).toMatch(/host emulated-4\.20 is gone: QEMU ended with SIGKILL\n {2}next: look at .*serial\.log/);
  const run = await readRun(cli.json.summary?.dir ?? '');
  expect(run.scenarios).toMatchObject([
    { id: 'waits/1-endless', verdict: 'error', attempts: 1, error: { blame: 'host', code: 'HOST_GONE' } },
  ]);
  expect(run.hosts).toMatchObject([{ name: 'emulated-4.20', error: { code: 'HOST_GONE' } }]);
  expect(run.hosts[0]?.crashed).toBeUndefined();
  expect([code, run.exitCode]).toEqual([5, 5]);
  await expect.poll(async () => await stillRunning(processes), { timeout: 60_000 }).toEqual([]);
  expect(await place.leftovers()).toEqual([]);
});

test('a panic of dom0 is a crash of dom0', async () => {
  await using cli = start('waits/1-endless');
  await cli.stderr.line(/e2e: the guest runs/);
  const processes = await descendantsOf(cli.pid);
  const qemu = processes.find(({ command }) => command.startsWith('qemu-system'));
  if (qemu === undefined) throw new Error('no host');
  const image = await ensureImage({ xen: '4.20', timing: 'exact' });
  const ssh = await SshConnection.open(sshTargetOf(image, await listeningPortOf(qemu)));
  // Linux's Documentation/admin-guide/sysrq.rst: crashes. It is not answered any more.
  ssh.run(['sh', '-c', 'echo c >/proc/sysrq-trigger']).catch(() => undefined);
  const { code, stderr } = await cli.ended;
  await ssh[Symbol.asyncDispose]();
  expect(stderr).toMatch(/host emulated-4\.20: dom0 crashed: .*Kernel panic - not syncing: sysrq triggered crash/);
  const { summary } = cli.json;
  const run = await readRun(summary?.dir ?? '');
  expect(run.scenarios).toMatchObject([
    { id: 'waits/1-endless', verdict: 'crash', crashed: 'dom0', error: { blame: 'host', code: 'DOM0_CRASHED' } },
  ]);
  expect(run.hosts).toMatchObject([{ crashed: 'dom0', error: { code: 'DOM0_CRASHED' } }]);
  const console = await readFile(join(summary?.dir ?? '', 'hosts/emulated-4.20/serial.log'), 'utf8');
  expect(console).toContain('sysrq triggered crash');
  expect([code, run.exitCode]).toEqual([6, 6]);
  await expect.poll(async () => await stillRunning(processes), { timeout: 60_000 }).toEqual([]);
});
