import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { measuredRuns } from '../fixtures/measured-runs.ts';
import { hostOf, runOf, scenarioOf } from '../fixtures/small-run.ts';
import { temporaryDirectory } from '../fixtures/temporary.ts';
import { compareRuns } from './compare-runs.ts';
import { selectRuns } from './select-runs.ts';

let root: string;

/** Four finished runs at 10:00:00 to 10:00:03, the newest being `latest`, and one that was killed. */
beforeEach(async () => {
  root = temporaryDirectory();
  const runs = measuredRuns([{ ts: 100 }, { ts: 101 }, { ts: 102 }, { ts: 103 }]);
  for (const { run } of runs) {
    await mkdir(join(root, run.id));
    await writeFile(join(root, run.id, 'run.json'), JSON.stringify(run));
  }
  await mkdir(join(root, '20261122T090000Z-k3f9qt'));
  await symlink('20261122T100003Z-k3f9qt', join(root, 'latest'));
});

const ids = async (words: string): Promise<string[]> =>
  (await selectRuns(root, words)).map(({ run }) => run.id.slice(9, 15));

describe('words for runs', () => {
  test.each([
    ['latest', ['100003']],
    ['latest~1', ['100002']],
    ['latest~3', ['100000']],
    ['20261122T100001Z-k3f9qt', ['100001']],
    ['latest,latest~0,20261122T100003Z-k3f9qt', ['100003']],
    ['*1Z-*,*2Z*', ['100001', '100002']],
    ['*00?Z-*', ['100000', '100001', '100002', '100003']],
    ['2026*', ['100000', '100001', '100002', '100003']],
  ])('%s', async (words, wanted) => {
    expect(await ids(words)).toEqual(wanted);
  });

  test('paths, patterns of paths, and directories of runs', async () => {
    expect(await ids(join(root, '20261122T100001Z-k3f9qt'))).toEqual(['100001']);
    expect(await ids(join(root, '*T10000?Z*'))).toHaveLength(4);
    expect((await ids(root)).toSorted()).toEqual(['100000', '100001', '100002', '100003']);
  });

  test.each([['latest~9'], ['nothing-*'], ['*T10000[1]Z*'], [''], ['/no/such/place']])(
    '%s is no run',
    async (words) => {
      await expect(selectRuns(root, words)).rejects.toMatchObject({ blame: 'usage', code: 'NO_SUCH_RUN' });
    },
  );

  test('a host of a run', async () => {
    const scenarios = ['one', 'two'].map((host) => scenarioOf({ host }));
    const run = runOf(scenarios, { id: 'both', hosts: [hostOf({ name: 'one' }), hostOf({ name: 'two' })] });
    await mkdir(join(root, 'both'));
    await writeFile(join(root, 'both/run.json'), JSON.stringify(run));
    const [found] = await selectRuns(root, `${join(root, 'both')}@two`);
    expect(found?.run.scenarios.map(({ host }) => host)).toEqual(['two']);
    await expect(selectRuns(root, `${join(root, 'both')}@three`)).rejects.toMatchObject({ code: 'HOST_NOT_IN_RUN' });
  });
});

describe('two sides of runs', () => {
  const options = { figure: 'p50', alpha: 0.05, confidence: 0.95, force: false } as const;
  const on = (host: string, hour: number, medians = [{ ts: 100 }]) =>
    measuredRuns(medians, { hour, host: { name: host } });

  test('each host is compared with itself; the floor comes from the runs before', async () => {
    const a = { label: 'a', runs: [...on('h', 11), ...on('i', 11)] };
    const b = { label: 'b', runs: [...on('h', 12), ...on('j', 12)] };
    const found = await compareRuns(a, b, { ...options, root });
    expect(found.map((one) => [one.a.host, one.b.host])).toEqual([['h', 'h']]);
    const wide = await compareRuns(
      { label: 'a', runs: on('h', 11) },
      { label: 'b', runs: on('h', 12) },
      { ...options, root, leastFloor: 1e-6 },
    );
    // Three changes of 1 % before are too few to learn from.
    expect(wide[0]?.metrics[0]?.floor).toEqual({ value: 1e-6, from: 0 });
  });

  test('one host on either side, whatever the names', async () => {
    const found = await compareRuns(
      { label: 'a', runs: on('emulated-4.17', 11) },
      { label: 'b', runs: on('emulated-4.20', 12) },
      { ...options, root },
    );
    expect(found.map((one) => [one.a.host, one.b.host])).toEqual([['emulated-4.17', 'emulated-4.20']]);
  });

  test('several that do not match are refused, as is what measured nothing', async () => {
    const a = { label: 'a', runs: [...on('h', 11), ...on('i', 11)] };
    const b = { label: 'b', runs: on('j', 12) };
    await expect(compareRuns(a, b, { ...options, root })).rejects.toMatchObject({ code: 'HOSTS_DIFFER' });
    const nothing = { label: 'c', runs: [{ directory: '', run: runOf([scenarioOf()]) }] };
    await expect(compareRuns(nothing, b, { ...options, root })).rejects.toMatchObject({ code: 'NOTHING_MEASURED' });
  });
});
