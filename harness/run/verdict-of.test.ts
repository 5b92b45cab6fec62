import { describe, expect, it } from 'vitest';
import { LabError, type Blame } from '../../src/errors.ts';
import { problemOf, verdictOf, verdictOfPass } from './verdict-of.ts';

describe('the record of an error', () => {
  it('that was thrown on purpose keeps who is to blame and what to do', () => {
    const error = new LabError('the handler threw', {
      ...{ blame: 'deviceModel', code: 'HANDLER_THREW', next: 'mend it', evidence: 'Error: x' },
    });
    expect(problemOf(error)).toEqual({
      ...{
        blame: 'deviceModel',
        code: 'HANDLER_THREW',
        message: 'the handler threw',
        next: 'mend it',
        evidence: 'Error: x',
      },
    });
  });

  it('that Vitest raised is the scenario’s, with the difference and the place', () => {
    expect(
      problemOf({ name: 'AssertionError', message: 'expected 1 to be 2', diff: '- 2\n+ 1', stack: 'at a.ts:1' }),
    ).toEqual({
      ...{ blame: 'scenario', code: 'EXPECTATION', message: 'expected 1 to be 2', evidence: '- 2\n+ 1\n\nat a.ts:1' },
    });
    expect(problemOf({ message: 'Test timed out in 60000ms.\nmore' })).toMatchObject({ code: 'OUT_OF_TIME' });
  });

  it('that says little is still one', () => {
    expect(problemOf({ message: '' })).toEqual({
      ...{ blame: 'scenario', code: 'EXPECTATION', message: 'failed without a message' },
    });
    expect(problemOf({ message: 'x', blame: 'the moon', code: 5, next: {}, evidence: [] })).toEqual({
      ...{ blame: 'scenario', code: 'EXPECTATION', message: 'x' },
    });
  });

  it('holds no codes for terminals', () => {
    const { message, evidence } = problemOf({ message: '\x1b[31mred\x1b[39m', diff: '\x1b[32m- 1\x1b[39m' });
    expect([message, evidence]).toEqual(['red', '- 1']);
  });
});

describe('the verdict on a problem', () => {
  it('is of who is to blame: the product fails, the lab has an error', () => {
    const verdicts = (['scenario', 'guest', 'deviceModel', 'host', 'harness', 'usage'] satisfies Blame[]).map(
      (blame) => verdictOf({ blame, code: 'ANY', message: '' }).verdict,
    );
    expect(verdicts).toEqual(['fail', 'fail', 'fail', 'error', 'error', 'error']);
  });

  it('is a crash when something died, and says what', () => {
    const crashed = (code: string): unknown => verdictOf({ blame: 'host', code, message: '' });
    expect(['GUEST_GONE', 'DEVICE_MODEL_GONE', 'DOM0_CRASHED', 'XEN_CRASHED'].map(crashed)).toEqual(
      ['guest', 'deviceModel', 'dom0', 'xen'].map((who) => ({ verdict: 'crash', crashed: who })),
    );
  });

  it('is not fooled by codes that every object knows', () => {
    for (const code of ['constructor', 'toString', '__proto__']) {
      expect(verdictOf({ blame: 'scenario', code, message: '' })).toEqual({ verdict: 'fail' });
    }
  });
});

describe('what ended without an error', () => {
  const seen = { reason: 'reads half', source: 'XSA-1', seen: '\x1b[31m1\x1b[39m' };

  it('is a pass, unless something is known', () => {
    expect(verdictOfPass([], [])).toEqual({ verdict: 'pass' });
    expect(verdictOfPass([], [seen, { ...seen, seen: '2' }])).toEqual({
      ...{ verdict: 'known', reason: 'reads half (XSA-1)' },
      known: [
        { ...seen, seen: '1' },
        { ...seen, seen: '2' },
      ],
    });
  });

  it('names every reason once', () => {
    const other = { ...seen, source: 'XSA-2' };
    expect(verdictOfPass([], [seen, other, seen]).reason).toBe('reads half (XSA-1); reads half (XSA-2)');
  });

  it('is flaky when it did not at first, whatever is known', () => {
    expect(verdictOfPass([{ message: 'no' }], [seen])).toMatchObject({
      ...{ verdict: 'flaky', reason: 'reads half (XSA-1)', earlierErrors: [{ code: 'EXPECTATION', message: 'no' }] },
    });
  });
});
