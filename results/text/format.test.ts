import { expect, test } from 'vitest';
import { formatBytes, formatCount, formatDuration, formatNumber, formatRatio, formatShort } from './format.ts';

test.each([
  [0, '0'],
  [30, '30'],
  [41_690, '41,690'],
  [0.123456, '0.1235'],
  [12_345.678, '12,346'],
])('the number %d is %s', (value, text) => {
  expect(formatNumber(value)).toBe(text);
});

test.each([
  [30, '30'],
  [1500, '1.5k'],
  [100_000, '100k'],
  [2_500_000, '2.5M'],
  [4e9, '4,000M'],
])('the number %d is %s on an axis', (value, text) => {
  expect(formatShort(value)).toBe(text);
});

test.each([
  [0, '0 ms'],
  [999.4, '999 ms'],
  [999.5, '1.0 s'],
  [59_949, '59.9 s'],
  [59_950, '1 min 00 s'],
  [125_000, '2 min 05 s'],
  [3_599_499, '59 min 59 s'],
  [3_780_000, '1 h 03 min'],
])('%d milliseconds are %s', (value, text) => {
  expect(formatDuration(value)).toBe(text);
});

test.each([
  [1.0203, '1.020'],
  [0.7404, '0.740'],
  [0.0004, '<0.001'],
  [0, '0.000'],
  [1876.7, '1,877'],
])('the ratio %d is %s', (value, text) => {
  expect(formatRatio(value)).toBe(text);
});

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [4096, '4.1 kB'],
  [400_000, '400 kB'],
  [1_234_567_890, '1.23 GB'],
])('%d bytes are %s', (value, text) => {
  expect(formatBytes(value)).toBe(text);
});

test('a count has its noun in the right number', () => {
  expect(formatCount(1, 'host')).toBe('1 host');
  expect(formatCount(2000, 'result')).toBe('2,000 results');
});
