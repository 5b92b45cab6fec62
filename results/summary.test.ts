import { PassThrough } from 'node:stream';
import { WriteStream } from 'node:tty';
import { stripVTControlCharacters } from 'node:util';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { hostOf, rungOf, runOf, scenarioOf } from './fixtures/small-run.ts';
import type { Run } from './run-schema.ts';
import { summaryText } from './summary.ts';
import { textTable } from './text/text-table.ts';

const problem = {
  blame: 'guest',
  code: 'MISMATCH',
  message: 'read 1,\nnot 2',
  next: 'ioreqlab show latest port-io/widths',
} as const;
const rungs = [rungOf('rdtsc', 30), rungOf('c', 40_860), rungOf('ts', 41_690), rungOf('qemu', 56_300)];

function twoHosts(): Run {
  const hosts = [hostOf({ name: 'emulated-4.17' }), hostOf({ name: 'emulated-4.20' })];
  const [old, current] = ['emulated-4.17', 'emulated-4.20'];
  const params = { environment: 'pvh' };
  return runOf(
    [
      scenarioOf({ host: old }),
      scenarioOf({ host: current, verdict: 'fail', error: { ...problem, evidence: '- 2\n+ 1' } }),
      scenarioOf({ host: old, params, durationMs: 4321 }),
      scenarioOf({ host: current, params, verdict: 'notRun', attempts: 0 }),
      scenarioOf({ host: old, id: 'performance/ladder', metrics: rungs, durationMs: 8000 }),
      scenarioOf({ host: current, id: 'performance/ladder', verdict: 'crash', crashed: 'deviceModel' }),
    ],
    { hosts },
  );
}

/** A stream that claims to be a terminal, or not; its colours follow the environment as those of a real terminal do. */
function stream(isTTY: boolean): PassThrough {
  const { getColorDepth } = WriteStream.prototype;
  return Object.assign(new PassThrough(), { isTTY, getColorDepth });
}

beforeEach(() => {
  for (const name of ['NO_COLOR', 'FORCE_COLOR', 'NODE_DISABLE_COLORS', 'CI', 'TMUX']) vi.stubEnv(name, undefined);
  vi.stubEnv('TERM', 'xterm-256color');
});

afterEach(() => vi.unstubAllEnvs());

describe('the summary', () => {
  test('names each known difference once, with where it was seen', () => {
    const known = [{ reason: 'reads half', source: 'xen.git 0123456789', seen: '1\nnot 2' }];
    const run = runOf([
      scenarioOf({ verdict: 'known', known }),
      scenarioOf({ verdict: 'known', known: [...known, ...known], params: { environment: 'pvh' } }),
      scenarioOf({ id: 'a/b', verdict: 'known', known }),
      scenarioOf({ id: 'a/c', verdict: 'known', reason: 'documented' }),
    ]);
    const lines = summaryText(run).split('\n');
    expect(lines.filter((line) => line.startsWith('known '))).toEqual([
      'known reads half (xen.git 0123456789): 3 results of port-io/widths, a/b',
      'known documented: 1 result of a/c',
    ]);
  });

  test('says which hosts are no Xen', () => {
    const hosts = [hostOf(), hostOf({ name: 'model-4.20', kind: 'model', timing: 'none' })];
    const run = runOf([scenarioOf(), scenarioOf({ host: 'model-4.20' })], { hosts });
    expect(summaryText(run)).toMatch(/^2 results, 2 pass in 1 min 30 s\nnot Xen but the model of it: model-4\.20$/m);
    expect(summaryText(runOf([scenarioOf()]))).not.toContain('model');
  });

  test('has a column per host, what failed with what to do, the ladder and the counts', () => {
    expect(`\n${summaryText(twoHosts(), { directory: 'results/runs/x' })}`).toBe(`
                                     emulated-4.17  emulated-4.20
port-io/widths                       pass 120 ms    fail 120 ms
port-io/widths      environment=pvh  pass 4.3 s     notRun
performance/ladder                   pass 8.0 s     crash 120 ms

fail port-io/widths on emulated-4.20
  blame: guest (MISMATCH)
  | read 1,
  | not 2
  | - 2
  | + 1
  next: ioreqlab show latest port-io/widths

crash of deviceModel performance/ladder on emulated-4.20

ladder: medians in instructions (exact)
             emulated-4.17     p99
  rdtsc                 30      30  no exit
  c                 40,860  40,860  C, blocking
  ts                41,690  41,690  TypeScript, blocking
  qemu              56,300  56,300  port that QEMU answers
  ts / c             1.020
  ts / qemu          0.740
  c / qemu           0.726

6 results, 3 pass, 1 fail, 1 crash, 1 notRun in 1 min 30 s
results/runs/x/report.html
`);
  });

  test('of a run in which nothing ran is one line', () => {
    expect(summaryText(runOf([]))).toBe('0 results in 1 min 30 s\n');
    expect(summaryText(runOf([], { ended: 'interrupted' }))).toBe('0 results in 1 min 30 s (interrupted)\n');
  });

  test('says why a host could not be used, and shows notes', () => {
    const hosts = [hostOf({ error: { ...problem, blame: 'host', message: 'no SSH', next: 'ioreqlab host check h' } })];
    const text = summaryText(runOf([], { hosts, notes: ['sample data'] }));
    expect(text).toContain(
      'host h cannot be used\n  blame: host (MISMATCH)\n  | no SSH\n  next: ioreqlab host check h\n',
    );
    expect(text.startsWith('note: sample data\n')).toBe(true);
  });

  test('keeps exact and wall timing in tables of their own', () => {
    const hosts = [hostOf({ name: 'a' }), hostOf({ name: 'b', timing: 'wall' })];
    const wall = [rungOf('ts', 9000, { unit: 'ns', kind: 'wall' })];
    const text = summaryText(
      runOf([scenarioOf({ host: 'a', metrics: rungs }), scenarioOf({ host: 'b', metrics: wall })], { hosts }),
    );
    expect(text).toMatch(/ladder: medians in instructions \(exact\)\n +a +p99\n {2}rdtsc/);
    expect(text).toMatch(
      /ladder: medians in ns \(wall\)\n +b +p99\n {2}ts {2}9,000 {2}9,000 {2}TypeScript, blocking\n\n/,
    );
  });
});

describe('colours', () => {
  test('only on a terminal', () => {
    const plain = summaryText(twoHosts());
    expect(plain).not.toContain('\u001b');
    expect(summaryText(twoHosts(), { stream: stream(false) })).toBe(plain);
    const coloured = summaryText(twoHosts(), { stream: stream(true) });
    expect(coloured).toContain('\u001b[31mfail\u001b[39m 120 ms');
    // Colours change no column.
    expect(stripVTControlCharacters(coloured)).toBe(plain);
  });

  test('not if NO_COLOR is set', () => {
    vi.stubEnv('NO_COLOR', '1');
    expect(summaryText(twoHosts(), { stream: stream(true) })).toBe(summaryText(twoHosts()));
  });
});

test('a guest controls neither the terminal nor the CI that reads the log', () => {
  const evil = '\u001b]0;owned\u0007\u001b[2J::error::spoofed\r##[section]\u202e\n::set-output name=a::b';
  const error = { blame: 'guest', code: 'X', message: evil, next: evil, evidence: evil } as const;
  const hosts = [hostOf({ error })];
  const text = summaryText(
    runOf([scenarioOf({ verdict: 'fail', error }), scenarioOf({ verdict: 'skip', reason: evil })], {
      hosts,
      notes: [evil],
    }),
  );
  expect(text).not.toMatch(/(?!\n)\p{Cc}|\u202e/u);
  for (const line of text.split('\n')) expect(line.trimStart()).not.toMatch(/^(?:::|##)/);
});

test('a table aligns, and leaves no space at the end of a line', () => {
  const rows = [
    [{ text: 'a' }, { text: '12', align: 'right' as const }, { text: 'x' }],
    [{ text: 'long' }, { text: '3', align: 'right' as const }, { text: '' }],
  ];
  expect(textTable(rows)).toEqual(['a     12  x', 'long   3']);
});
