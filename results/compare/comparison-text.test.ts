import { expect, test } from 'vitest';
import { measuredRuns } from '../fixtures/measured-runs.ts';
import { compareSets } from './compare-sets.ts';
import { comparisonMarkdown } from './comparison-markdown.ts';
import { comparisonText } from './comparison-text.ts';
import { formatChange, formatP } from './format-change.ts';
import { NoiseHistory } from './history.ts';
import { measuredSets } from './measured-set.ts';

const hostile = '\u001b[31mred|`x`<img src=x>\r\nFAILED';

function comparison() {
  const runs = (ts: number, version: string, hour: number) =>
    measuredRuns(
      Array.from({ length: 5 }, (_, i) => ({ 'ladder.ts': ts + i, 'ladder.xen': 1570, 'ladder.c': 40_000 + 300 * i })),
      { hour, inOne: true, host: { name: `emulated-${version}`, xen: { version }, dom0: { kernel: hostile } } },
    );
  const [a] = measuredSets(runs(40_000, '4.17', 10));
  const [b] = measuredSets(runs(42_000, '4.20', 11));
  if (a === undefined || b === undefined) throw new Error('nothing measured');
  const options = { figure: 'p50', alpha: 0.05, confidence: 0.95, force: false } as const;
  return compareSets(
    { label: 'old', set: a },
    { label: hostile, set: b },
    { ...options, history: new NoiseHistory([], 'p50') },
  );
}

test('the text names the sides, what differs, every metric, and last what is worse', () => {
  const text = comparisonText(comparison());
  expect(text).toContain('A  old: emulated-4.17, Xen 4.17, 5 measurements in 1 run');
  expect(text).toMatch(/^ {2}Xen +4\.17 +4\.20$/m);
  expect(text).toMatch(/^ {2}ladder\.ts +40,002 +42,002 +\+5\.0 % .*worse$/m);
  expect(text).toMatch(/^ {2}ladder\.xen .*0 % +0\.2 % +same$/m);
  expect(text).toMatch(/^ {2}ladder\.c .*undecided, \+\d+ runs$/m);
  expect(text).toContain('worse: performance/ladder environment=hvm ladder.ts +5.0 %');
  expect(text).toContain('3 metrics: 1 worse, 1 undecided, 1 same');
  expect(text).toMatch(/more runs a side would probably tell; there are 5/);
});

test('nothing from a run controls a terminal or a page', () => {
  const one = comparison();
  expect(comparisonText(one)).not.toMatch(/(?!\n)\p{Cc}/u);
  const markdown = comparisonMarkdown(one);
  expect(markdown).not.toMatch(/(?!\n)\p{Cc}|<img/u);
  expect(markdown).toContain('red\\|');
  expect(markdown).toMatch(/^### ioreqlab: regression, 3 metrics: 1 worse/);
  const rows = markdown.split('\n').filter((line) => line.startsWith('|'));
  for (const row of rows) expect([4, 8]).toContain(row.match(/(?<!\\)\|/g)?.length);
});

test.each([
  [0, '0 %'],
  [0.01, '+1.0 %'],
  [-0.002, '-0.20 %'],
  [0.1234, '+12 %'],
  [3.2, '+320 %'],
])('a change of %d is %s', (value, text) => {
  expect(formatChange(value)).toBe(text);
});

test.each([
  [undefined, ''],
  [1, '1'],
  [0.0079365, '0.0079'],
  [0.00001, '<0.0001'],
])('a p of %s is "%s"', (value, text) => {
  expect(formatP(value)).toBe(text);
});
