import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { waitingMode } from '../xen/addon.ts';

const directory = mkdtempSync(join(tmpdir(), 'ioreqlab-waiting-'));
afterAll(() => rmSync(directory, { recursive: true }));
const program = join(directory, 'print-windows');
const source = fileURLToPath(new URL('testing/print-windows.c', import.meta.url));
execFileSync('gcc', ['-std=gnu11', '-Wall', '-Werror', '-o', program, source], { stdio: 'pipe' });

/** For how many cycles the thread looks: at first, and after each wait that had to block. */
function windows(mode: keyof typeof waitingMode, longest: number, waits: readonly number[]): number[] {
  const values = [waitingMode[mode], longest, ...waits].map(String);
  return JSON.parse(execFileSync(program, values, { encoding: 'utf8' })) as number[];
}

describe('how long a thread looks before it blocks', () => {
  it('is fixed when it blocks or spins', () => {
    expect(windows('block', 0, [1, 1_000])).toEqual([0, 0, 0]);
    expect(windows('spin', 500, [1, 1_000])).toEqual([500, 500, 500]);
  });

  it('grows with waits that a longer look would have caught, up to the longest', () => {
    expect(windows('adaptive', 1_600, [300, 300, 500, 900, 1_600])).toEqual([0, 101, 202, 404, 808, 1_600]);
  });

  it('stays while it is long enough: what blocked came late for another reason', () => {
    expect(windows('adaptive', 1_600, [300, 300, 300, 300, 300])).toEqual([0, 101, 202, 404, 404, 404]);
  });

  it('ends with a wait that no look would have caught, and begins anew', () => {
    expect(windows('adaptive', 1_600, [300, 300, 1_601, 5_000, 300])).toEqual([0, 101, 202, 0, 0, 101]);
  });

  it('never exceeds the longest', () => {
    const cycles = fc.integer({ min: 0, max: 5_000 });
    fc.assert(
      fc.property(cycles, fc.array(cycles, { maxLength: 30 }), (longest, waits) => {
        for (const window of windows('adaptive', longest, waits)) expect(window).toBeLessThanOrEqual(longest);
      }),
      { numRuns: 50 },
    );
  });
});
