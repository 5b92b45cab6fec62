import { expect, test } from 'vitest';
import { fileName } from './file-name.ts';
import { isRunId, newRunId } from './run-id.ts';

test('a run id sorts by time, to the second, and is its own file name', () => {
  const earlier = newRunId(new Date('2026-11-22T14:15:03.999Z'));
  const later = newRunId(new Date('2026-11-22T14:15:04.000Z'));
  expect(earlier).toMatch(/^20261122T141503Z-/);
  expect(earlier < later).toBe(true);
  for (const id of [earlier, later]) {
    expect(fileName(id)).toBe(id);
    expect(isRunId(id)).toBe(true);
  }
});

test('two runs of one second have different ids', () => {
  const now = new Date();
  const ids = new Set(Array.from({ length: 100 }, () => newRunId(now)));
  expect(ids.size).toBe(100);
});

test('other names are no run ids', () => {
  expect(isRunId('latest')).toBe(false);
  expect(isRunId('20261122T141503Z-k3f9qt.tmp')).toBe(false);
});
