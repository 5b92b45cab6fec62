import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, it, vi } from 'vitest';
import { quoteWords } from './quote.ts';

// A busy machine is no failure.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

/** The words that a shell makes of a command line. */
function throughShell(words: readonly string[]): string[] {
  const line = quoteWords(['printf', String.raw`%s\0`, ...words]);
  const output = execFileSync('/bin/sh', ['-c', line], { encoding: 'utf8' });
  return output.split('\0').slice(0, -1);
}

it('every word arrives as it is', () => {
  const special = fc.string({ unit: fc.constantFrom(...` '"\\$\`!*?[]{}()<>|&;~#=\n\t\r%^-a1é`), maxLength: 12 });
  const any = fc.string({ unit: 'binary', maxLength: 12 }).filter((text) => !text.includes('\0'));
  // Many words at once: a shell takes longer to start than to read them.
  const words = fc.array(fc.oneof(special, any), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(words, (list) => {
      expect(throughShell(list)).toEqual(list);
    }),
    { numRuns: 25 },
  );
});

it('the first word is a command, whatever it looks like', () => {
  for (const command of ['A=1', 'no such', "it's", '$(true)', '!']) {
    const line = quoteWords([command, 'x']);
    expect(() => execFileSync('/bin/sh', ['-c', line], { stdio: 'pipe' })).toThrow(
      expect.objectContaining({ status: 127 }) as Error,
    );
  }
});

it('plain words stay readable', () => {
  expect(quoteWords(['sha256sum', '/var/lib/ioreqlab/bundle.d1/agent.mjs', '-p', 'root@host:22'])).toBe(
    'sha256sum /var/lib/ioreqlab/bundle.d1/agent.mjs -p root@host:22',
  );
});

it('a NUL byte is refused: no word of a command can hold one', () => {
  expect(() => quoteWords(['a', 'b\0c'])).toThrow(RangeError);
});
