import { execFile } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRun, type HostRecord, type ScenarioRecord } from '../../results/index.ts';

const cli = fileURLToPath(new URL('bin.mjs', import.meta.url));
const root = mkdtempSync(join(tmpdir(), 'ioreqlab-report-'));
const directories: string[] = [];

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function report(...words: string[]): Promise<Outcome> {
  return await new Promise((resolve) => {
    execFile(process.execPath, [cli, 'report', ...words], (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

beforeAll(async () => {
  const host: HostRecord = { name: 'h', kind: 'emulated', timing: 'exact', xen: { version: '4.20' } };
  for (let index = 0; index < 3; index += 1) {
    const run = await createRun({ root: join(root, 'runs'), command: ['ioreqlab', 'run'] });
    const place = { id: 'performance/ladder', host: 'h', params: {}, attempt: 1 };
    const quantity = { name: 'ladder.ts', unit: 'instructions', kind: 'exact' } as const;
    const metrics = [await run.recordSamples(place, quantity, new Uint32Array([40_000, 40_001, 40_002]))];
    const scenario = {
      id: place.id,
      host: 'h',
      params: {},
      verdict: 'pass',
      durationMs: 1,
      attempts: 1,
      metrics,
    } as const;
    const scenarios = [scenario as unknown as Omit<ScenarioRecord, 'artifacts'>];
    const { directory } = await run.finish({ hosts: [host], scenarios });
    directories.push(directory);
  }
});

afterAll(() => rmSync(root, { recursive: true }));

describe('ioreqlab report', { timeout: 120_000 }, () => {
  test('makes the trends of all runs, beside them, and tells programs what is in them', async () => {
    const { code, stdout } = await report('--runs', join(root, 'runs'), '--json');
    expect(code).toBe(0);
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const file = join(root, 'runs', 'trends.html');
    expect(lines).toMatchObject([
      { type: 'series', metric: 'ladder.ts', unit: 'instructions', kind: 'exact', host: 'h', runs: 3, level: 40_001 },
      { type: 'report', file, runs: 3, series: 1, changes: 0 },
    ]);
    expect(readFileSync(file, 'utf8')).toContain('ladder.ts');
  });

  test('makes the report of one run anew', async () => {
    const [directory = ''] = directories;
    const file = join(directory, 'report.html');
    const before = readFileSync(file, 'utf8');
    rmSync(file);
    expect(await report(directory)).toMatchObject({ code: 0, stdout: `${file}\n` });
    expect(readFileSync(file, 'utf8')).toBe(before);
    const elsewhere = join(root, 'elsewhere.html');
    await report('latest', '--runs', join(root, 'runs'), '--out', elsewhere);
    expect(existsSync(elsewhere)).toBe(true);
  });

  test('takes several runs, and a period', async () => {
    const out = join(root, 'two.html');
    const two = await report(...directories.slice(0, 2), '--out', out, '--json');
    expect(two.stdout).toContain('"runs":2');
    const recent = await report('--runs', join(root, 'runs'), '--since', '1d', '--out', out, '--json');
    expect(recent.stdout).toContain('"runs":3');
  });

  test('says what is wrong and what to do: no such run, no such date, nothing there', async () => {
    expect(await report('--runs', join(root, 'runs'), '20000101T000000Z-bbbbbb')).toMatchObject({ code: 2 });
    const date = await report('--since', 'yesterday');
    expect(date).toMatchObject({ code: 2, stdout: '' });
    expect(date.stderr).toContain('neither an age nor a date');
    const none = await report('--runs', join(root, 'nowhere'));
    expect(none).toMatchObject({ code: 3, stdout: '' });
    expect(none.stderr).toContain('next: ioreqlab run');
  });
});
