import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openRun, readRun } from '../../results/index.ts';
import { Cli } from './cli.ts';
import { Place } from './place.ts';
import { descendantsOf, qemusOf, stillRunning, type SeenProcess } from './processes.ts';

let place: Place;

beforeAll(async () => {
  place = await Place.create();
});

afterAll(async () => {
  await place[Symbol.asyncDispose]();
});

/** A run on an emulated host of its own, which only ends when it is made to. */
function start(...more: readonly string[]): Cli {
  const words = ['run', 'waits/1-endless', '--scenarios', 'harness/e2e/scenarios', '--environment', 'pvh'];
  return Cli.start([...words, '--out', place.runs, '--json', ...more], { env: place.env });
}

async function expectGone(processes: readonly SeenProcess[]): Promise<void> {
  await expect.poll(async () => await stillRunning(processes), { timeout: 60_000 }).toEqual([]);
}

/** The run has come to its end and says why there is no verdict. */
async function expectCutShort(cli: Cli, ended: 'interrupted' | 'outOfTime', code: number): Promise<void> {
  const end = await cli.ended;
  const { summary, types } = cli.json;
  expect(types.at(-1)).toBe('summary');
  const run = await readRun(summary?.dir ?? '');
  expect(run).toMatchObject({ ended, exitCode: code, counts: { notRun: 1 } });
  expect(run.scenarios).toMatchObject([{ id: 'waits/1-endless', verdict: 'notRun', reason: expect.any(String) }]);
  expect(run.hosts).toMatchObject([{ name: 'emulated-4.20' }]);
  expect(run.hosts[0]?.error).toBeUndefined();
  expect(end).toMatchObject({ code, signal: null });
  expect(end.stderr).not.toMatch(/^\s+at /m);
  expect(await place.leftovers()).toEqual([]);
}

describe('Ctrl-C', () => {
  test.each([
    ['while the host is restored', /restoring/],
    ['while it is connected to', /connecting/],
    ['while the agent starts', /starting the agent/],
    ['in the middle of a scenario', /e2e: the guest runs/],
  ])('%s ends the run in order, and the host with it', async (_when, line) => {
    await using cli = start();
    await cli.stderr.line(line);
    const processes = await descendantsOf(cli.pid);
    cli.kill('SIGINT');
    await expectCutShort(cli, 'interrupted', 130);
    expect((await cli.ended).stderr).toMatch(/interrupted: ending what has been started; once more to end at once/);
    await expectGone(processes);
  });

  test('twice ends it at once', async () => {
    await using cli = start();
    await cli.stderr.line(/connecting/);
    const processes = await qemusOf(cli.pid);
    expect(processes).toHaveLength(1);
    cli.kill('SIGINT');
    await cli.stderr.line(/once more to end at once/);
    cli.kill('SIGINT');
    expect(await cli.ended).toMatchObject({ code: 130 });
    await expectGone(processes);
    expect(await place.leftovers()).toEqual([]);
  });
});

test('SIGKILL takes the host along, and what was recorded so far can be read', async () => {
  await using cli = start();
  await cli.stderr.line(/connecting/);
  const processes = await qemusOf(cli.pid);
  expect(processes).toHaveLength(1);
  cli.kill('SIGKILL');
  expect(await cli.ended).toMatchObject({ signal: 'SIGKILL' });
  await expectGone(processes);
  const run = await openRun(join(place.runs, cli.json.run?.id ?? ''));
  expect(run).toMatchObject({ state: 'unfinished', torn: 0 });
  // The next run removes it, as the next test sees.
  expect(await place.leftovers()).toHaveLength(1);
});

test('--time-limit ends the run in order', async () => {
  await using cli = start('--time-limit', '3');
  await cli.stderr.line(/connecting/);
  const processes = await qemusOf(cli.pid);
  await expectCutShort(cli, 'outOfTime', 124);
  await expectGone(processes);
});
