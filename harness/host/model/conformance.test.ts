import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parseRun, type Run } from '../../../results/index.ts';
import { repository } from '../../repository.ts';
import { findScenarios } from '../../run/select.ts';
import { breakages } from './testing/breakages.ts';

// A busy machine is no failure.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

/** What compares Xen with the model: nothing to be seen on the model itself. Xen 4.14's copy of VGA is not in the model. */
const skipped = (id: string, host: string): boolean =>
  id === 'conformance/dm-ops' || (id === 'conformance/buffered' && host === 'model-4.14');

let out = '';
beforeAll(async () => {
  out = await mkdtemp(join(tmpdir(), 'ioreqlab-conformance-'));
});
afterAll(async () => await rm(out, { recursive: true, force: true }));

const run = async (words: readonly string[]): Promise<string> => {
  const options = { cwd: repository, maxBuffer: 64 * 2 ** 20 };
  return (await promisify(execFile)(process.execPath, words, options)).stdout;
};

describe('the conformance suite', () => {
  it('passes on the model of every version, with every scenario in every environment', async () => {
    const hosts = ['model-4.14', 'model-4.17', 'model-4.20'];
    const cli = join(repository, 'harness/cli/bin.mjs');
    await run([cli, 'run', 'conformance', '--host', hosts.join(','), '--out', out, '--json']);
    const record: Run = parseRun(await readFile(join(out, 'latest/run.json'), 'utf8'), 'run.json');
    expect(record.hosts.map(({ name, kind, timing }) => [name, kind, timing])).toEqual(
      hosts.map((name) => [name, 'model', 'none']),
    );
    const others = record.scenarios.filter(({ id, host, verdict }) => {
      return verdict !== (skipped(id, host) ? 'skip' : 'pass');
    });
    expect(others).toEqual([]);
    const ids = (await findScenarios(join(repository, 'scenarios')))
      .map(({ id }) => id)
      .filter((id) => id.startsWith('conformance/'));
    expect(ids.length).toBeGreaterThanOrEqual(10);
    for (const host of hosts) {
      const passed = new Set(record.scenarios.filter((one) => one.host === host).map(({ id }) => id));
      expect([...passed]).toEqual(ids);
    }
  });

  it('fails when Xen or the library is broken in an obvious way', async () => {
    const script = join(import.meta.dirname, 'testing/run-broken.ts');
    const lines = (await run(['--import', 'tsx', script, out])).trim().split('\n');
    const seen = lines.map((line) => JSON.parse(line) as { name: string; outcomes: [string, string, string][] });
    expect(seen.map(({ name }) => name)).toEqual(Object.keys(breakages));
    expect(seen.length).toBeGreaterThanOrEqual(5);
    for (const { name, outcomes } of seen) {
      const found = outcomes.filter(([, verdict]) => verdict === 'fail' || verdict === 'error');
      expect(found.length, `nobody notices that ${name}`).toBeGreaterThan(0);
    }
  });
});
