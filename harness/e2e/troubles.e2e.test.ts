import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readRun, type Run, type ScenarioRecord } from '../../results/index.ts';
import { Cli, type CliEnd } from './cli.ts';
import { parseLines } from './json-lines.ts';
import { Place } from './place.ts';
import { StayingHost } from './staying-host.ts';

let place: Place;
let host: StayingHost;
let end: CliEnd;
let run: Run;
let directory: string;

/** All of them one after the other on one host: what one leaves behind would trouble the next. */
beforeAll(async () => {
  place = await Place.create();
  host = await StayingHost.up();
  end = await Cli.run(
    ['run', 'troubles', '--host', host.name, '--scenarios', 'harness/e2e/scenarios', '--out', place.runs, '--json'],
    { env: place.env },
  );
  directory = parseLines(end.stdout).summary?.dir ?? '';
  run = await readRun(directory);
}, 600_000);

afterAll(async () => {
  await host[Symbol.asyncDispose]();
  await place[Symbol.asyncDispose]();
});

function outcomeOf(name: string): ScenarioRecord {
  const found = run.scenarios.find(({ id }) => id === `troubles/${name}`);
  if (found === undefined) throw new Error(`no outcome of ${name}; stderr:\n${end.stderr}`);
  return found;
}

test('a guest that dies is a crash of the guest', () => {
  const { verdict, crashed, error } = outcomeOf('01-crash');
  expect({ verdict, crashed, blame: error?.blame, code: error?.code }).toEqual({
    ...{ verdict: 'crash', crashed: 'guest', blame: 'guest', code: 'GUEST_GONE' },
  });
  expect(error?.message).toMatch(/the guest is gone: reboot/);
});

test('a handler that throws fails the scenario by its name, with what it threw', () => {
  const { verdict, error } = outcomeOf('03-throws');
  expect({ verdict, blame: error?.blame, code: error?.code }).toEqual({
    ...{ verdict: 'fail', blame: 'deviceModel', code: 'HANDLER_THREW' },
  });
  expect(error?.message).toMatch(/e2e-misbehaving\.trap threw.*\n.*thrown on purpose/);
});

test('a handler that never returns is answered for, and fails the scenario by its name', () => {
  const { verdict, error, durationMs } = outcomeOf('05-hangs');
  expect({ verdict, blame: error?.blame, code: error?.code }).toEqual({
    ...{ verdict: 'fail', blame: 'deviceModel', code: 'HANDLER_STUCK' },
  });
  expect(error?.message).toMatch(/e2e-misbehaving\.trap did not return; the watchdog answered/);
  expect(durationMs).toBeLessThan(60_000); // not by running out of the scenario's time
});

test('a device-model process that is killed is a crash of the device model', () => {
  const { verdict, crashed, error } = outcomeOf('07-device-model-dies');
  expect({ verdict, crashed, blame: error?.blame, code: error?.code }).toEqual({
    ...{ verdict: 'crash', crashed: 'deviceModel', blame: 'deviceModel', code: 'DEVICE_MODEL_GONE' },
  });
  expect(error?.message).toMatch(/SIGKILL/);
});

test('a guest that never ends runs out of time', () => {
  const { verdict, error } = outcomeOf('09-endless');
  expect({ verdict, blame: error?.blame, code: error?.code }).toEqual({
    ...{ verdict: 'fail', blame: 'scenario', code: 'OUT_OF_TIME' },
  });
});

test('an expectation that fails shows the difference, and where', () => {
  const { verdict, error } = outcomeOf('11-expectation');
  expect({ verdict, blame: error?.blame, code: error?.code }).toEqual({
    ...{ verdict: 'fail', blame: 'scenario', code: 'EXPECTATION' },
  });
  expect(error?.evidence).toMatch(/-\s+18,\n\+\s+255,/);
  expect(error?.evidence).toMatch(/11-expectation\.scenario\.ts:\d+/);
});

test.each(['02-after-crash', '04-after-throw', '06-after-hang', '08-after-death', '10-after-endless'])(
  'the next scenario passes: %s',
  (name) => {
    expect(outcomeOf(name)).toMatchObject({ verdict: 'pass' });
  },
);

describe('as a whole', () => {
  test('the run failed, and says so with its exit code', () => {
    const { summary } = parseLines(end.stdout);
    expect(run.counts).toMatchObject({ pass: 5, fail: 4, crash: 2, error: 0, notRun: 0 });
    expect(summary?.counts).toEqual(run.counts);
    expect([summary?.exitCode, run.exitCode, end.code]).toEqual([1, 1, 1]);
  });

  test('the host is not blamed', async () => {
    expect(run.hosts).toMatchObject([{ name: host.name }]);
    expect(run.hosts[0]?.error).toBeUndefined();
    expect(await readFile(join(directory, 'hosts', host.name, 'xen.log'), 'utf8')).toContain('(XEN)');
  });

  test('stderr holds no stack and no escape code', () => {
    expect(end.stderr).not.toMatch(/^\s+at /m);
    // oxlint-disable-next-line no-control-regex
    expect(`${end.stdout}${end.stderr}`).not.toMatch(/\u001b|\\u001b/);
  });

  test('nothing is left on the host, nor here', async () => {
    expect(await host.leftovers()).toEqual([]);
    expect(await place.leftovers()).toEqual([]);
  });
});
