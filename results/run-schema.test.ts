import { describe, expect, test } from 'vitest';
import { hostOf, rungOf, runOf, scenarioOf } from './fixtures/small-run.ts';
import { parseRun } from './run/read-run.ts';
import type { Run } from './run-schema.ts';

function parsed(run: unknown): Run {
  return parseRun(JSON.stringify(run), 'run.json');
}

const problem = { blame: 'host', code: 'SSH_LOST', message: 'gone' } as const;

describe('the model of Xen as a host', () => {
  const model = hostOf({ kind: 'model', timing: 'none' });

  test('has verdicts, but no metrics and no kind of time', () => {
    expect(parsed(runOf([scenarioOf()], { hosts: [model] })).hosts).toEqual([model]);
    const measured = runOf([scenarioOf({ metrics: [rungOf('ts', 1)] })], { hosts: [model] });
    expect(() => parsed(measured)).toThrow('the model of Xen measures nothing');
    for (const host of [hostOf({ kind: 'model' }), hostOf({ timing: 'none' })]) {
      expect(() => parsed(runOf([scenarioOf()], { hosts: [host] }))).toThrow('none is the time of the model');
    }
  });
});

describe('a run', () => {
  test('comes back as it was written', () => {
    const metric = rungOf('ts', 41_690, {
      min: 41_000,
      mean: 41_800.5,
      max: 200_000,
      samples: 'scenarios/a/h/attempt-1/ladder.ts.u32',
    });
    const full = runOf(
      [
        scenarioOf({ params: { environment: 'pvh', vcpus: 4, nested: false }, repetition: 2, metrics: [metric] }),
        scenarioOf({
          verdict: 'crash',
          crashed: 'guest',
          error: { ...problem, next: 'look', evidence: 'line' },
          earlierErrors: [problem],
        }),
        scenarioOf({
          verdict: 'known',
          reason: 'documented',
          title: 'a title',
          artifacts: [{ path: 'scenarios/a/x:y %2E.log', bytes: 7 }],
        }),
      ],
      {
        ended: 'completed',
        exitCode: 1,
        command: ['ioreqlab', 'run'],
        ioreqlab: { version: '0.1.0', commit: 'abc' },
        notes: ['note'],
        phases: [{ name: 'setup', durationMs: 3 }],
        hosts: [
          hostOf({
            xen: { version: '4.20.4-pre', changeset: 'abc', buildId: 'def', commandLine: 'loglvl=all' },
            dom0: { kernel: '6.12' },
            env: { 'cpu.model': 'x', 'cpu.count': 2, pinned: true },
            phases: [{ name: 'restore', durationMs: 1900.5 }],
          }),
        ],
      },
    );
    expect(parsed(full)).toEqual(full);
  });

  test('may look as in the design, without anything optional', () => {
    const metric = { name: 'ladder.ts', unit: 'instructions', n: 0, p50: 0, p90: 0, p99: 0, p999: 0, max: 0 };
    const record = {
      id: 'port-io/widths',
      host: 'emulated-4.20',
      params: {},
      verdict: 'pass',
      durationMs: 0,
      attempts: 1,
    };
    const host = {
      name: 'emulated-4.20',
      kind: 'emulated',
      timing: 'exact',
      xen: { version: '4.20.4-pre' },
      dom0: { kernel: '6' },
    };
    const run = parsed({
      ...runOf([scenarioOf()]),
      hosts: [host],
      scenarios: [{ ...record, artifacts: [], metrics: [metric] }],
    });
    expect(run.scenarios[0]?.metrics[0]).toEqual({ ...metric, kind: 'exact' });
  });

  test('may have fields of later versions, which are ignored', () => {
    const run = runOf([scenarioOf()]);
    expect(parsed({ ...run, weather: 'fine', hosts: [{ ...hostOf(), color: 'red' }] })).toEqual(run);
  });
});

describe('what is no valid run', () => {
  const good = runOf([scenarioOf({ metrics: [rungOf('ts', 5)] })]);
  const withMetric = (change: object): object => ({
    ...good,
    scenarios: [scenarioOf({ metrics: [{ ...rungOf('ts', 5), ...change }] })],
  });
  const withScenario = (change: object): object => ({ ...good, scenarios: [{ ...scenarioOf(), ...change }] });

  test.each<[string, unknown, string]>([
    ['a metric without its unit', withMetric({ unit: undefined }), 'scenarios[0].metrics[0].unit: Invalid option'],
    [
      'instructions by the wall clock',
      withMetric({ kind: 'wall' }),
      'scenarios[0].metrics[0].kind: instructions are counted only in exact',
    ],
    [
      'nanoseconds in exact timing',
      withMetric({ unit: 'ns' }),
      'scenarios[0].metrics[0].kind: ns, cycles and rates come only from wall',
    ],
    ['quantiles out of order', withMetric({ p99: 4 }), 'scenarios[0].metrics[0].p50: quantiles out of order'],
    [
      'a figure that is none',
      withMetric({ p50: 'many' }),
      'scenarios[0].metrics[0].p50: Invalid input: expected number, received string',
    ],
    [
      'a path out of the run',
      withMetric({ samples: '../../etc/passwd' }),
      'scenarios[0].metrics[0].samples: not a path inside',
    ],
    [
      'an absolute path',
      withScenario({ artifacts: [{ path: '/etc/passwd', bytes: 1 }] }),
      'scenarios[0].artifacts[0].path: not a path inside',
    ],
    ['an unknown verdict', withScenario({ verdict: 'fine' }), 'scenarios[0].verdict: Invalid option'],
    ['a crash of nobody', withScenario({ verdict: 'crash' }), 'scenarios[0].crashed: goes with the verdict crash'],
    ['a crash that passed', withScenario({ crashed: 'xen' }), 'scenarios[0].crashed: goes with the verdict crash'],
    ['an unknown host', withScenario({ host: 'other' }), 'scenarios[0].host: not among the hosts of the run'],
    [
      'counts that do not add up',
      { ...good, counts: { ...good.counts, pass: 7 } },
      'counts.pass: says 7, but 1 scenarios',
    ],
    ['escapes in a name', withScenario({ id: 'a\u001b[31m' }), 'scenarios[0].id: control characters in a name'],
    ['a time that is none', { ...good, startedAt: 'yesterday' }, 'startedAt: Invalid ISO datetime'],
    ['something else', 42, '(top): Invalid input'],
  ])('%s: the error says where', (_name, run, message) => {
    expect(() => parsed(run)).toThrow(
      expect.objectContaining({ blame: 'usage', code: 'RUN_INVALID', message: expect.stringContaining(message) }),
    );
  });

  test('only the first issues are listed', () => {
    const scenarios = Array.from({ length: 9 }, () => ({ ...scenarioOf(), durationMs: -1 }));
    expect(() => parsed({ ...runOf(scenarios), counts: { ...good.counts, pass: 9 } })).toThrow(/\n {2}and 4 more$/);
  });

  test('a later schema is named', () => {
    expect(() => parsed({ ...good, schema: 2 })).toThrow(
      'run.json has schema 2; this version of ioreqlab reads schema 1',
    );
  });

  test('text that is not JSON', () => {
    expect(() => parseRun('{', '/runs/x/run.json')).toThrow('/runs/x/run.json is not JSON');
  });
});
