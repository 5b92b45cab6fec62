import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readRun, readSamples, RUNGS, type Run } from '../../results/index.ts';
import { ioreqType } from '../../src/abi/ioreq.ts';
import { readTrace } from '../../src/trace/record.ts';
import { Cli, type CliEnd } from './cli.ts';
import { parseLines } from './json-lines.ts';
import { Place } from './place.ts';
import { descendantsOf, stillRunning, type SeenProcess } from './processes.ts';

/** A run that has come to its end. */
interface Ended {
  readonly end: CliEnd;
  /** What it had started. */
  readonly processes: readonly SeenProcess[];
  readonly run: Run;
  readonly directory: string;
}

let place: Place;
let simple: Ended;
let ladder: Ended;

/** Two runs at once, each on an emulated host of its own. */
beforeAll(async () => {
  place = await Place.create();
  [simple, ladder] = await Promise.all([
    finish('run', 'basics/register', '--scenarios', 'harness/e2e/scenarios', '--json', '--out', place.runs),
    finish('run', 'performance/ladder', '--json', '--out', place.runs),
  ]);
}, 900_000);

afterAll(async () => {
  await place[Symbol.asyncDispose]();
});

async function finish(...words: readonly string[]): Promise<Ended> {
  await using cli = Cli.start(words, { env: place.env });
  await cli.stdout.line(/"type":"host"/);
  const processes = await descendantsOf(cli.pid);
  expect(processes.filter(({ command }) => command.startsWith('qemu-system'))).toHaveLength(1);
  const end = await cli.ended;
  const directory = parseLines(end.stdout).summary?.dir ?? '';
  return { end, processes, directory, run: await readRun(directory) };
}

async function text(file: string): Promise<string> {
  return await readFile(join(simple.directory, file), 'utf8');
}

describe('two runs at once', () => {
  test('both pass, and leave nothing', async () => {
    for (const { end, run } of [simple, ladder]) expect([end.code, run.exitCode, run.counts.fail]).toEqual([0, 0, 0]);
    expect(simple.run.id).not.toBe(ladder.run.id);
    const processes = [...simple.processes, ...ladder.processes];
    await expect.poll(async () => await stillRunning(processes), { timeout: 60_000 }).toEqual([]);
    expect(await place.leftovers()).toEqual([]);
  });

  test('say nothing but notes on stderr', () => {
    for (const { end } of [simple, ladder]) {
      expect(
        end.stderr.split('\n').filter((line) => !/^$|^\[[\d.]+ m?s?.*\] (run|emulated-4\.20: )/.test(line)),
      ).toEqual([]);
    }
  });
});

describe('what --json prints', () => {
  test('is the run, its host, its scenarios, and last the summary', () => {
    const { types, hosts, scenarios } = parseLines(simple.end.stdout);
    expect(types).toEqual(['run', 'host', 'scenario', 'scenario', 'summary']);
    expect(hosts).toMatchObject([{ name: 'emulated-4.20', kind: 'emulated', timing: 'exact' }]);
    expect(scenarios).toMatchObject([
      { id: 'basics/register', host: 'emulated-4.20', params: { environment: 'hvm' }, verdict: 'pass', attempts: 1 },
      { id: 'basics/register', host: 'emulated-4.20', params: { environment: 'pvh' }, verdict: 'pass', attempts: 1 },
    ]);
    // oxlint-disable-next-line no-control-regex
    expect(`${simple.end.stdout}${simple.end.stderr}`).not.toMatch(/\u001b/);
  });

  test('is what run.json says', () => {
    const { run: started, summary } = parseLines(simple.end.stdout);
    const { id, counts, exitCode } = simple.run;
    expect(started).toEqual({ type: 'run', id, dir: simple.directory });
    expect(summary).toEqual({ type: 'summary', id, dir: simple.directory, counts, exitCode });
    expect(counts).toEqual({ pass: 2, known: 0, skip: 0, flaky: 0, error: 0, fail: 0, crash: 0, notRun: 0 });
  });
});

describe("a run's directory", () => {
  test('knows the host', async () => {
    const [host] = simple.run.hosts;
    expect(host?.xen?.version).toMatch(/^4\.20\./);
    expect(host?.dom0?.kernel).toMatch(/^6\./);
    expect(host?.phases?.map(({ name }) => name)).toEqual(['start', 'connect']);
    expect(JSON.parse(await text('hosts/emulated-4.20/env.json'))).toMatchObject({ xen: { xen_major: '4' } });
    expect(await text('hosts/emulated-4.20/xen.log')).toMatch(/^\(XEN\) /m);
    expect(await text('hosts/emulated-4.20/serial.log')).not.toBe('');
  });

  test('has a report for people, and one for machines', async () => {
    expect(await text('report.html')).toMatch(/^<!doctype html>[^]*basics\/register[^]*<\/html>\s*$/i);
    const junit = await text('junit.xml');
    expect(junit).toMatch(/^<\?xml version="1\.0" encoding="UTF-8"\?>\n<testsuites [^]*<\/testsuites>\s*$/);
    expect(junit.match(/<testcase /g)).toHaveLength(2);
    expect(junit).not.toMatch(/<(failure|error|skipped)/);
  });

  test('has every event', async () => {
    const events = (await text('events.ndjson'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    expect(events[0]).toMatchObject({ type: 'start', id: simple.run.id });
    expect(events.at(-1)).toMatchObject({ type: 'finish', exitCode: 0 });
  });

  test.each(['hvm', 'pvh'])('has the ioreqs that the server saw, one by one: %s', async (environment) => {
    const scenario = simple.run.scenarios.find(({ params }) => params['environment'] === environment);
    const artifact = scenario?.artifacts.find(({ path }) => path.endsWith('/main.trace'));
    const records = readTrace(await readFile(join(simple.directory, artifact?.path ?? '')));
    const expected = { vcpu: 0, type: ioreqType.pio, count: 1, dataIsPointer: false, origin: 'handler' };
    expect(records).toMatchObject([
      { ...expected, sequence: 0, isRead: false, address: 0x5000n, size: 4, data: 0x12345678n },
      { ...expected, sequence: 1, isRead: true, address: 0x5000n, size: 4, answer: 0x12345678n },
      { ...expected, sequence: 2, isRead: true, address: 0x5001n, size: 1, answer: 0x56n },
    ]);
    expect(records).toHaveLength(3);
  });
});

test('the ladder has every sample of every rung', async () => {
  const [scenario] = ladder.run.scenarios;
  const metrics = scenario?.metrics ?? [];
  const rungs = metrics.filter(({ name }) => name.startsWith('ladder.'));
  expect(rungs.map(({ name }) => name).sort()).toEqual(RUNGS.map(({ name }) => `ladder.${name}`).sort());
  for (const { name, n, unit, kind, p50, samples } of metrics) {
    expect({ name, unit, kind }).toEqual({ name, unit: 'instructions', kind: 'exact' });
    expect(n).toBeGreaterThanOrEqual(1_000);
    expect(p50).toBeGreaterThan(0);
    expect(await readSamples(join(ladder.directory, samples ?? ''))).toHaveLength(n);
  }
  const meanOf = (name: string): number => metrics.find((metric) => metric.name === name)?.mean ?? NaN;
  for (const { name } of RUNGS.filter(({ answerer }) => answerer === 'c' || answerer === 'ts')) {
    const parts = ['out', 'device-model', 'in'].map((part) => meanOf(`split.${name}.${part}`));
    expect(Math.min(...parts)).toBeGreaterThan(0);
    expect(parts.reduce((sum, part) => sum + part)).toBeCloseTo(meanOf(`ladder.${name}`), 3);
  }
  const report = await readFile(join(ladder.directory, 'report.html'), 'utf8');
  expect(report).toMatch(/<svg[^]*<\/svg>/);
});
