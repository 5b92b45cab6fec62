import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../fixtures/temporary.ts';

const bench = fileURLToPath(new URL('bin.mjs', import.meta.url));

test(
  'makes runs, reports on them as a user would, says what it took, and leaves nothing',
  { timeout: 120_000 },
  async () => {
    const TMPDIR = temporaryDirectory();
    const words = [bench, '--runs', '40', '--json'];
    const { stdout } = await promisify(execFile)(process.execPath, words, { env: { ...process.env, TMPDIR } });
    const cost = JSON.parse(stdout) as Record<string, number>;
    expect(Object.keys(cost)).toEqual(['runs', 'seconds', 'peakMiB']);
    expect(cost['runs']).toBe(40);
    expect(cost['seconds']).toBeGreaterThan(0.1);
    // Node alone takes some 40 MiB.
    expect(cost['peakMiB']).toBeGreaterThan(40);
    expect(cost['peakMiB']).toBeLessThan(512);
    expect(readdirSync(TMPDIR).filter((name) => name.startsWith('ioreqlab-bench-'))).toEqual([]);
  },
);

test('takes whole numbers only', { timeout: 60_000 }, async () => {
  const outcome = promisify(execFile)(process.execPath, [bench, '--runs', 'many']);
  await expect(outcome).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining('--runs many') as string });
});
