import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { countVerdicts, severityOf, VERDICTS, worst } from './verdict.ts';

const verdict = fc.constantFrom(...VERDICTS);

describe('worst', () => {
  test('follows the order of the design', () => {
    const order = ['pass', 'known', 'skip', 'flaky', 'error', 'fail', 'crash'] as const;
    const severities = order.map(severityOf);
    expect(severities).toEqual([...severities].sort((a, b) => a - b));
    expect(new Set(VERDICTS.map(severityOf)).size).toBe(VERDICTS.length);
  });

  test('is one of the verdicts, and none is worse', () => {
    fc.assert(
      fc.property(fc.array(verdict, { minLength: 1 }), (verdicts) => {
        const result = worst(verdicts);
        expect(verdicts).toContain(result);
        for (const other of verdicts) expect(severityOf(other)).toBeLessThanOrEqual(severityOf(result));
      }),
    );
  });

  test('of nothing is not a pass', () => {
    expect(worst([])).toBe('notRun');
  });
});

test('counts have a figure for every verdict, and add up', () => {
  fc.assert(
    fc.property(fc.array(verdict), (verdicts) => {
      const counts = countVerdicts(verdicts.map((one) => ({ verdict: one })));
      expect(Object.keys(counts)).toEqual([...VERDICTS]);
      expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBe(verdicts.length);
    }),
  );
});
