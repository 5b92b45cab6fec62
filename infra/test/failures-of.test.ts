import { expect, it } from 'vitest';
import { isFailure, lastLines, scenarioFailures, vitestFailures } from './failures-of.mjs';

const result = (verdict: string): string => JSON.stringify({ type: 'scenario', id: `a/${verdict}`, verdict });

it("finds Vitest's list of failures, without its colours", () => {
  const output =
    ' ✓ one\n × two\n\u001b[31m⎯⎯ Failed Tests 1 ⎯⎯\u001b[39m\n FAIL  two.test.ts\nError: 2\n Tests  1 failed\n';
  expect(vitestFailures(output)).toBe('⎯⎯ Failed Tests 1 ⎯⎯\n FAIL  two.test.ts\nError: 2\n Tests  1 failed');
});

it('shows the last lines of what died before its list', () => {
  expect(vitestFailures('one\ntwo\n')).toBe('one\ntwo');
  expect(lastLines(Array.from({ length: 100 }, (_, i) => `${i}`).join('\n')).split('\n')).toHaveLength(40);
});

it('shows the results that are no pass, and no others', () => {
  const output = ['pass', 'known', 'skip', 'fail', 'error'].map(result).join('\n');
  expect(scenarioFailures(output).split('\n')).toEqual([result('fail'), result('error')]);
  expect(isFailure(result('crash'))).toBe(true);
  expect(isFailure(JSON.stringify({ type: 'summary', counts: { fail: 1 } }))).toBe(false);
  expect(isFailure('an error that is no JSON')).toBe(true);
});

it('cuts what is too long', () => {
  const output = Array.from({ length: 500 }, () => result('fail')).join('\n');
  expect(scenarioFailures(output)).toMatch(/and 350 lines more$/);
});
