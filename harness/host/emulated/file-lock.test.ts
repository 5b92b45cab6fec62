import { join } from 'node:path';
import { expect, vi } from 'vitest';
import { holdLock } from './file-lock.ts';
import { runScript } from './testing/run-script.ts';
import { test } from './testing/test-in-directory.ts';

test('a lock has one holder at a time, and who waits says so', async ({ directory }) => {
  const file = join(directory, 'locks/one');
  const first = await holdLock(file);
  const onWait = vi.fn();
  const second = holdLock(file, { onWait });
  await vi.waitFor(() => expect(onWait).toHaveBeenCalledOnce());
  await first[Symbol.asyncDispose]();
  await (await second)[Symbol.asyncDispose]();
});

test('nobody is told to wait for a free lock', async ({ directory }) => {
  const onWait = vi.fn();
  await (await holdLock(join(directory, 'one'), { onWait }))[Symbol.asyncDispose]();
  expect(onWait).not.toHaveBeenCalled();
});

test('waiting ends with the signal, and the lock stays free for others', async ({ directory }) => {
  const file = join(directory, 'one');
  const first = await holdLock(file);
  const abort = new AbortController();
  const second = holdLock(file, { signal: abort.signal, onWait: () => abort.abort() });
  await expect(second).rejects.toMatchObject({ name: 'AbortError' });
  await first[Symbol.asyncDispose]();
  await (await holdLock(file))[Symbol.asyncDispose]();
});

test('a lock dies with its holder', async ({ directory }) => {
  const file = join(directory, 'one');
  await using holder = runScript('lock-holder.ts', [file]);
  await holder.line(/^held/);
  const mine = holdLock(file);
  await holder.kill();
  await (await mine)[Symbol.asyncDispose]();
});

test('a lock in a place where there can be none is an error', async () => {
  await expect(holdLock('/proc/one')).rejects.toThrow();
});
