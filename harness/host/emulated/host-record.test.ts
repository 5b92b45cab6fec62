import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { expect } from 'vitest';
import { cacheAt } from './cache.ts';
import { hostFiles, readHostRecords, writeHostRecord, type HostRecord } from './host-record.ts';
import { startTimeOf } from './process-identity.ts';
import { test } from './testing/test-in-directory.ts';

async function record(name: string, change: Partial<HostRecord> = {}): Promise<HostRecord> {
  return {
    ...{ name, xen: '4.20', timing: 'exact', accelerator: 'tcg', pid: process.pid },
    startTime: (await startTimeOf(process.pid)) ?? '',
    ssh: { address: '127.0.0.1', port: 2222, user: 'root', privateKeyFile: '/key', hostKeys: ['ssh-ed25519 AAAA'] },
    ...{ console: '/console', serialLog: '/log', imageDirectory: '/image', started: new Date().toISOString() },
    ...change,
  };
}

test('records of hosts that run are found', async ({ directory }) => {
  const cache = cacheAt(directory);
  expect(await readHostRecords(cache)).toEqual([]);
  const [b, a] = [await record('b'), await record('a')];
  await writeHostRecord(cache, b);
  await writeHostRecord(cache, a);
  expect(await readHostRecords(cache)).toEqual([a, b]);
});

test('records of others are removed, their logs are kept', async ({ directory }) => {
  const cache = cacheAt(directory);
  // The same process id, started at another time: it is somebody else's now.
  await writeHostRecord(cache, await record('reused', { startTime: '1' }));
  // Larger than any process id (proc_sys_kernel(5), pid_max).
  await writeHostRecord(cache, await record('dead', { pid: 2 ** 22 + 1 }));
  await mkdir(cache.hosts, { recursive: true });
  await writeFile(hostFiles(cache, 'broken').record, '{"name":');
  await writeHostRecord(cache, await record('renamed'));
  await writeFile(hostFiles(cache, 'moved').record, JSON.stringify(await record('renamed')));
  await writeFile(hostFiles(cache, 'dead').console, '');
  await writeFile(hostFiles(cache, 'dead').serialLog, 'the end');
  expect((await readHostRecords(cache)).map(({ name }) => name)).toEqual(['renamed']);
  expect((await readdir(cache.hosts)).sort()).toEqual(['dead.log', 'renamed.json']);
});

test('a process is known by its start', async () => {
  expect(await startTimeOf(process.pid)).toMatch(/^\d+$/);
  expect(await startTimeOf(2 ** 22 + 1)).toBeUndefined();
});
