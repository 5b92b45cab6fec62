import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readRun } from '../../results/index.ts';
import { Cli } from './cli.ts';
import { Place } from './place.ts';
import { Proxy } from './proxy.ts';
import { descendantsOf, stillRunning } from './processes.ts';
import { inventoryText, StayingHost, type InventoryEntry } from './staying-host.ts';

let place: Place;
let host: StayingHost;

beforeAll(async () => {
  place = await Place.create();
  host = await StayingHost.up();
}, 600_000);

afterAll(async () => {
  await host[Symbol.asyncDispose]();
  await place[Symbol.asyncDispose]();
});

/** A run on hosts of an inventory. */
async function start(
  topic: string,
  name: string,
  hosts: Readonly<Record<string, InventoryEntry>>,
  ...more: readonly string[]
): Promise<Cli> {
  const inventory = await place.write(`${name}.yaml`, inventoryText(hosts));
  const words = ['run', topic, '--scenarios', 'harness/e2e/scenarios', '--host', name, '--inventory', inventory];
  return Cli.start([...words, '--out', place.runs, '--json', ...more], { env: place.env });
}

/** The machine and the host are as they were before. */
async function expectNothingLeft(): Promise<void> {
  await expect.poll(async () => await host.leftovers(), { timeout: 120_000, interval: 1_000 }).toEqual([]);
  expect(await place.leftovers()).toEqual([]);
}

describe('a machine of an inventory', () => {
  test('is deployed to and used, and nothing is left on it', async () => {
    await using cli = await start('basics', 'lab1', { lab1: host.entry() }, '--environment', 'pvh');
    const { code, stderr } = await cli.ended;
    expect(cli.json.scenarios).toMatchObject([{ id: 'basics/register', host: 'lab1', verdict: 'pass' }]);
    expect(cli.json.hosts).toMatchObject([{ name: 'lab1', kind: 'ssh', timing: 'exact' }]);
    expect(stderr).toContain('copying the bundle');
    expect(code).toBe(0);
    await expectNothingLeft();
  });

  test('has the deployment from then on; is reached through a jump host', async () => {
    const hosts = { lab1: host.entry({ address: '127.0.0.1', port: 22, jump: 'gate' }), gate: host.entry() };
    await using cli = await start('basics', 'lab1', hosts, '--environment', 'pvh');
    const { code, stderr } = await cli.ended;
    expect(cli.json.scenarios).toMatchObject([{ id: 'basics/register', host: 'lab1', verdict: 'pass' }]);
    expect(stderr).not.toContain('copying');
    expect(code).toBe(0);
    await expectNothingLeft();
  });

  test('is not used when its host key is not the pinned one', async () => {
    const other = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5lqy3Vh0dJnL0xW2mF7cQ9uU8o4xk2r1t6s8p0aVbC';
    await using cli = await start('basics', 'lab1', { lab1: host.entry({ hostKeys: [other] }) });
    const { code } = await cli.ended;
    const { summary } = cli.json;
    const run = await readRun(summary?.dir ?? '');
    expect(run.hosts[0]?.error).toMatchObject({ blame: 'host', code: 'HOST_KEY_MISMATCH' });
    expect(run.hosts[0]?.error?.message).toMatch(/SHA256:[\w+/]{43} instead of SHA256:[\w+/]{43}/);
    expect(run.hosts[0]?.error?.next).toMatch(/pin the new one in the inventory/);
    expect(run.scenarios).toMatchObject([{ verdict: 'notRun', attempts: 0 }]);
    expect(code).toBe(5);
  });

  test('that is not there is told with what to do', async () => {
    const closed = await Proxy.to(1);
    await closed[Symbol.asyncDispose]();
    await using cli = await start('basics', 'lab1', { lab1: host.entry({ port: closed.port }) });
    const { code } = await cli.ended;
    expect(code).toBe(5);
    const run = await readRun(cli.json.summary?.dir ?? '');
    expect(run.hosts[0]?.error).toMatchObject({ blame: 'host', code: 'HOST_UNREACHABLE' });
    expect(run.hosts[0]?.error?.next).toMatch(/ioreqlab host check/);
  });
});

describe('a run on a machine of an inventory', () => {
  test('is alone there; when its connection is cut, it says so, and all that it has started ends', async () => {
    await using proxy = await Proxy.to(host.record.ssh.port);
    await using cli = await start('waits', 'lab1', { lab1: host.entry({ port: proxy.port }) }, '--environment', 'pvh');
    await cli.stderr.line(/e2e: the guest runs/);

    await using second = await start('basics', 'lab2', { lab2: host.entry() });
    const refused = await second.ended;
    const secondRun = await readRun(second.json.summary?.dir ?? '');
    expect(secondRun.hosts[0]?.error).toMatchObject({ blame: 'host', code: 'HOST_BUSY' });
    expect(secondRun.hosts[0]?.error?.next).toMatch(/wait|end/i);
    expect(new Set(secondRun.scenarios.map(({ verdict }) => verdict))).toEqual(new Set(['notRun']));
    expect(refused.code).toBe(5);

    proxy.cut();
    const { code } = await cli.ended;
    const run = await readRun(cli.json.summary?.dir ?? '');
    expect(run.scenarios).toMatchObject([
      { id: 'waits/1-endless', verdict: 'error', error: { blame: 'host' } },
      { id: 'waits/2-next', verdict: 'notRun', reason: expect.stringMatching(/connection to lab1 was lost/) },
    ]);
    expect(run.hosts[0]?.error).toMatchObject({ blame: 'host', code: 'HOST_LOST', next: expect.any(String) });
    expect(code).toBe(5);
    await expectNothingLeft();
  });

  test('ends in order at Ctrl-C', async () => {
    await using cli = await start('waits', 'lab1', { lab1: host.entry() }, '--environment', 'pvh');
    await cli.stderr.line(/e2e: the guest runs/);
    cli.kill('SIGINT');
    const { code, stderr } = await cli.ended;
    expect(stderr).toMatch(/interrupted: ending what has been started/);
    const run = await readRun(cli.json.summary?.dir ?? '');
    expect(run).toMatchObject({ ended: 'interrupted', exitCode: 130, counts: { notRun: 2 } });
    expect(code).toBe(130);
    await expectNothingLeft();
  });

  test('leaves nothing on the machine even when it is killed', async () => {
    await using cli = await start('waits', 'lab1', { lab1: host.entry() });
    await cli.stderr.line(/e2e: the guest runs/);
    const processes = await descendantsOf(cli.pid);
    cli.kill('SIGKILL');
    expect(await cli.ended).toMatchObject({ signal: 'SIGKILL' });
    await expect.poll(async () => await stillRunning(processes), { timeout: 60_000 }).toEqual([]);
    await expect.poll(async () => await host.leftovers(), { timeout: 120_000, interval: 1_000 }).toEqual([]);
  });
});
