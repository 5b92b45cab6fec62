import { execFile } from 'node:child_process';
import { appendFileSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../fixtures/temporary.ts';
import { listRuns, runDirectory } from './list-runs.ts';
import { openRun, readRun } from './read-run.ts';

const KILLED = `
import { createRun } from ${JSON.stringify(new URL('../run-directory.ts', import.meta.url).href)};
const run = await createRun({ root: process.argv[1], command: ['ioreqlab', 'run'] });
run.event({ type: 'scenario', id: 'port-io/widths', verdict: 'pass' });
run.event({ type: 'scenario', id: 'port-io/string', verdict: 'fail' });
process.kill(process.pid, 'SIGKILL');
`;

test('a run that was killed has no record, but its events tell how far it came', async () => {
  const root = temporaryDirectory();
  const signal = await new Promise((resolve) => {
    const flags = ['--import', 'tsx', '--input-type=module', '--eval', KILLED, root];
    execFile(process.execPath, flags, (error) => resolve(error?.signal));
  });
  expect(signal).toBe('SIGKILL');
  expect(readdirSync(root)).toHaveLength(1);
  const [listed] = await listRuns(root);
  if (listed === undefined) throw new Error('no run listed');
  expect(listed.state).toBe('unfinished');
  await expect(readRun(listed.directory)).rejects.toMatchObject({ code: 'RUN_NOT_FINISHED', blame: 'usage' });

  // As if the machine had gone down in the middle of a line.
  appendFileSync(join(listed.directory, 'events.ndjson'), '{"time":"2026-11-22T14:1');
  const run = await openRun(listed.directory);
  if (run.state !== 'unfinished') throw new Error('it is not finished');
  expect(run).toMatchObject({ id: listed.id, torn: 1 });
  expect(run.events.map(({ type, id }) => [type, id])).toEqual([
    ['start', listed.id],
    ['scenario', 'port-io/widths'],
    ['scenario', 'port-io/string'],
  ]);
  const [first, second] = run.events;
  expect(second?.ms).toBeGreaterThanOrEqual(first?.ms ?? Number.NaN);
});

test('what is no run says so', async () => {
  const root = temporaryDirectory();
  await expect(openRun(join(root, 'nothing'))).rejects.toMatchObject({ code: 'NO_SUCH_RUN', blame: 'usage' });
  await expect(openRun(runDirectory(root, 'latest'))).rejects.toMatchObject({
    code: 'NO_SUCH_RUN',
    next: 'ioreqlab run',
  });
  await expect(openRun(root)).rejects.toThrow(`${root} holds neither run.json nor events.ndjson`);
  expect(await listRuns(join(root, 'nothing'))).toEqual([]);
});

test('only runs are listed', async () => {
  const root = temporaryDirectory();
  mkdirSync(join(root, 'other'));
  writeFileSync(join(root, 'notes.txt'), '');
  mkdirSync(join(root, '20261122T141503Z-bcdfgh'));
  mkdirSync(join(root, '20261122T141504Z-bcdfgh'));
  expect((await listRuns(root)).map(({ id }) => id)).toEqual(['20261122T141504Z-bcdfgh', '20261122T141503Z-bcdfgh']);
});

test('a run can be meant by its id, as latest or by a path', () => {
  expect(runDirectory('/runs', '20261122T141503Z-bcdfgh')).toBe('/runs/20261122T141503Z-bcdfgh');
  expect(runDirectory('/runs', 'latest')).toBe('/runs/latest');
  expect(runDirectory('/runs', '/mnt/mailed-run')).toBe('/mnt/mailed-run');
  expect(runDirectory('/runs', 'mailed-run')).toBe(join(process.cwd(), 'mailed-run'));
});
