import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { excerpt, plainLine, plainText } from './untrusted-text.ts';

const hostile = fc.string({
  unit: fc.oneof(
    fc.string({ unit: 'binary', maxLength: 3 }),
    fc.constantFrom('\u001b', '\u001b[', '\u009b', '\u001b]0;', '\u0007', '\r', '\n', '\u202e', '\ud800', '31m'),
  ),
  maxLength: 40,
});

describe('plain text', () => {
  test.each([
    ['colours', '\u001b[1;31mred\u001b[0m', 'red'],
    ['8-bit colours', '\u009b31mred', 'red'],
    ['a window title', '\u001b]0;owned\u0007shown', 'shown'],
    ['a title that does not end, to the end of its line', '\u001b]0;owned\nshown', '\nshown'],
    ['a clear screen', 'a\u001bcb', 'ab'],
    ['an escape at the end', 'a\u001b', 'a'],
    ['backspaces and bells', 'pass\b\b\b\b\u0007fail', 'passfail'],
    ['a carriage return that would overwrite', 'FAILED\rpassed', 'FAILED\npassed'],
    ['line ends of DOS', 'a\r\nb', 'a\nb'],
    ['NUL', 'a\0b', 'ab'],
    ['direction marks', 'a\u202ecba\u2066', 'acba'],
    ['a lone surrogate', 'a\ud800b', 'a\ufffdb'],
    ['what is harmless', 'tab\tä 漢 😀\n', 'tab\tä 漢 😀\n'],
  ])('%s', (_name, text, plain) => {
    expect(plainText(text)).toBe(plain);
  });

  test('has no control characters, whatever it is made from, and is stable', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const plain = plainText(text);
        expect(plain).not.toMatch(/(?![\t\n])\p{Cc}|\p{Cs}|[\u202a-\u202e\u2066-\u2069]/u);
        expect(plainText(plain)).toBe(plain);
      }),
    );
  });
});

test('a line has no line ends, and is bounded', () => {
  fc.assert(
    fc.property(hostile, fc.integer({ min: 5, max: 50 }), (text, longest) => {
      const line = plainLine(text, longest);
      expect(line).not.toMatch(/[\n\t]/);
      expect(line.length).toBeLessThanOrEqual(longest);
      expect(line).not.toMatch(/\p{Cs}/u);
    }),
  );
});

describe('an excerpt', () => {
  test('keeps short text', () => {
    expect(excerpt('a\nb\n\n', { lines: 2, columns: 80 })).toBe('a\nb');
  });

  test('keeps the beginning and more of the end, and says what is missing', () => {
    const text = Array.from({ length: 100 }, (_, index) => `line ${index}`).join('\n');
    expect(excerpt(text, { lines: 6, columns: 80 }).split('\n')).toEqual([
      'line 0',
      'line 1',
      '… 95 lines left out …',
      'line 97',
      'line 98',
      'line 99',
    ]);
  });

  test('never is larger than asked, not even for a gigantic line', () => {
    fc.assert(
      fc.property(hostile, fc.integer({ min: 3, max: 12 }), fc.integer({ min: 4, max: 30 }), (text, lines, columns) => {
        const shown = excerpt(text.repeat(50), { lines, columns }).split('\n');
        expect(shown.length).toBeLessThanOrEqual(lines);
        for (const line of shown) expect(line.length).toBeLessThanOrEqual(Math.max(columns, 40));
      }),
    );
    expect(excerpt('x'.repeat(10_000_000), { lines: 4, columns: 10 }).length).toBeLessThan(100);
  });
});
