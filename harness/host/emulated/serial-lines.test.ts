import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { followLines } from './serial-lines.ts';
import { test } from './testing/test-in-directory.ts';

test('lines come as they are written, also to a file that is not there yet', async ({ directory }) => {
  const file = join(directory, 'log');
  const lines = followLines(file, AbortSignal.timeout(10_000));
  const first = lines.next();
  await writeFile(file, 'one\r\ntw');
  expect((await first).value).toBe('one');
  await appendFile(file, 'o\n\nthr');
  expect((await lines.next()).value).toBe('two');
  expect((await lines.next()).value).toBe('');
});

test('following ends with the signal', async ({ directory }) => {
  const lines = followLines(join(directory, 'log'), AbortSignal.timeout(60));
  await expect(lines.next()).rejects.toMatchObject({ name: 'TimeoutError' });
});
