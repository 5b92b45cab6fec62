import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRun, type Comparison, type Timing } from '../../results/index.ts';
import { Cli } from '../e2e/cli.ts';

let root: string;

/** Sets of five runs each, in directories of their own: of 40 000 instructions, of 1 % more, and of nanoseconds. */
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'ioreqlab-compare-'));
  for (const [set, scale, timing] of [
    ['old', 1, 'exact'],
    ['new', 1.01, 'exact'],
    ['wall', 1, 'wall'],
  ] as const) {
    await mkdir(join(root, set));
    for (let i = 0; i < 5; i++) await writeRun(join(root, set), 40_000 * scale + i, timing);
  }
  await writeFile(join(root, 'empty'), '');
});

afterAll(async () => {
  await rm(root, { recursive: true, force: true });
});

async function writeRun(directory: string, median: number, timing: Timing): Promise<void> {
  const run = await createRun({ root: directory, command: ['ioreqlab', 'run'] });
  const place = { id: 'performance/ladder', host: 'lab', params: { environment: 'hvm' } };
  const quantity =
    timing === 'exact' ? ({ unit: 'instructions', kind: timing } as const) : ({ unit: 'ns', kind: timing } as const);
  const metrics = [
    await run.recordSamples({ ...place, attempt: 1 }, { name: 'ladder.ts', ...quantity }, Float64Array.of(median)),
    await run.recordSamples({ ...place, attempt: 1 }, { name: 'ladder.xen', ...quantity }, Float64Array.of(1570)),
  ];
  const host = { name: 'lab', kind: 'emulated', timing, xen: { version: '4.20' } } as const;
  await run.finish({
    hosts: [host],
    scenarios: [{ ...place, verdict: 'pass', durationMs: 1, attempts: 1, metrics }],
  });
}

async function compare(...words: string[]) {
  return await Cli.run(['compare', ...words.map((word) => (/^(old|new|wall)$/.test(word) ? join(root, word) : word))]);
}

test('a regression is exit 1, and named; the other way round it is none', { timeout: 240_000 }, async () => {
  const [worse, better] = await Promise.all([compare('old', 'new', '--json'), compare('new', 'old')]);
  expect([worse.code, better.code]).toEqual([1, 0]);
  const { type, counts, metrics } = JSON.parse(worse.stdout) as Comparison & { type: string };
  expect([type, counts.worse, counts.same]).toEqual(['comparison', 1, 1]);
  expect(metrics.map(({ metric, verdict }) => [metric, verdict])).toEqual([
    ['ladder.ts', 'worse'],
    ['ladder.xen', 'same'],
  ]);
  expect(better.stdout).toContain('better: performance/ladder environment=hvm ladder.ts -0.99 %');
});

test('as Markdown, and as a page', { timeout: 240_000 }, async () => {
  const { code, stdout } = await compare('old', 'new', '--markdown', '--html', join(root, 'page.html'));
  expect(code).toBe(1);
  expect(stdout).toMatch(/^### ioreqlab: regression/);
  expect(await readFile(join(root, 'page.html'), 'utf8')).toContain('<h1 data-tone="bad">1 worse</h1>');
});

test('what cannot be compared is wrong usage, with what to do', { timeout: 240_000 }, async () => {
  const ends = await Promise.all([
    compare('old', 'wall'),
    compare('old'),
    compare('--xen', '4.20', 'performance/ladder'),
  ]);
  expect(ends.map(({ code }) => code)).toEqual([2, 2, 2]);
  for (const { stdout, stderr } of ends) {
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^error: .+\n( {2}\|.*\n)* {2}next: .+/m);
  }
  expect(ends[0]?.stderr).toContain('no common measure');
});
