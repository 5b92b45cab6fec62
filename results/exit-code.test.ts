import { describe, expect, test } from 'vitest';
import { exitCodeOf, type Outcome } from './exit-code.ts';
import type { Crashed } from './run-schema.ts';
import type { Verdict } from './verdict.ts';

function run(verdicts: readonly Verdict[], more: Partial<Outcome> = {}): Outcome {
  return { scenarios: verdicts.map((verdict) => ({ verdict })), hosts: [{}], ...more };
}

function crash(crashed: Crashed, others: readonly Verdict[] = []): Outcome {
  return { scenarios: [{ verdict: 'crash', crashed }, ...others.map((verdict) => ({ verdict }))], hosts: [{}] };
}

describe('the exit code', () => {
  test.each<[string, Outcome, number]>([
    ['all passed', run(['pass', 'pass']), 0],
    ['passed, known and flaky', run(['pass', 'known', 'flaky']), 0],
    ['some skipped', run(['pass', 'skip']), 0],
    ['a failure', run(['pass', 'fail', 'skip']), 1],
    ['a failure outweighs an error of the lab', run(['fail', 'error', 'notRun']), 1],
    ['the guest crashed', crash('guest', ['pass']), 1],
    ['the device model crashed', crash('deviceModel', ['error']), 1],
    ['nothing selected', run([]), 3],
    ['all skipped', run(['skip', 'skip']), 4],
    ['an error only', run(['pass', 'error']), 5],
    ['left undone', run(['pass', 'notRun']), 5],
    ['a host that could not be used at all', run([], { hosts: [{ error: { message: 'no SSH' } }] }), 5],
    ['dom0 crashed', crash('dom0', ['fail', 'notRun']), 6],
    ['Xen crashed', crash('xen'), 6],
    ['Xen crashed between two scenarios', run(['pass'], { hosts: [{ crashed: 'xen' }] }), 6],
    ['out of time', run(['fail', 'notRun'], { ended: 'outOfTime' }), 124],
    ['interrupted', run(['fail'], { ended: 'interrupted' }), 130],
    ['interrupted before anything ran', run([], { ended: 'interrupted' }), 130],
    ['completed', run(['pass'], { ended: 'completed' }), 0],
  ])('%s', (_name, outcome, code) => {
    expect(exitCodeOf(outcome)).toBe(code);
  });
});
