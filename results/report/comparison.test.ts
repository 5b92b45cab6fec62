import { rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { compareRuns } from '../compare/compare-runs.ts';
import { compareSets } from '../compare/compare-sets.ts';
import type { Comparison, MetricComparison } from '../compare/comparison.ts';
import { SampleReader } from '../compare/distributions.ts';
import { NoiseHistory } from '../compare/history.ts';
import { measuredSets, type MeasuredSet } from '../compare/measured-set.ts';
import { writeComparedRuns } from '../fixtures/compared-runs.ts';
import { checkHtml } from '../fixtures/html-check.ts';
import { measuredRuns } from '../fixtures/measured-runs.ts';
import { hostOf } from '../fixtures/small-run.ts';
import { lastingDirectory } from '../fixtures/temporary.ts';
import { readRun } from '../run/read-run.ts';
import { changeLimit, orderChart } from './comparison-charts.ts';
import { comparisonPage } from './comparison-page.ts';
import { writeComparisonPage } from './write-comparison.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const root = lastingDirectory();
let comparison: Comparison;

beforeAll(async () => {
  const sides = await writeComparedRuns(root, 6);
  const [a, b] = await Promise.all(
    [sides.a, sides.b].map(async (directories, index) => ({
      label: index === 0 ? 'old' : 'new',
      runs: await Promise.all(directories.map(async (directory) => ({ directory, run: await readRun(directory) }))),
    })),
  );
  if (a === undefined || b === undefined) throw new Error('no sides');
  const options = { root, figure: 'p50', alpha: 0.05, confidence: 0.95, force: false } as const;
  const [only] = await compareRuns(a, b, options);
  if (only === undefined) throw new Error('nothing compared');
  comparison = only;
});

function metricOf(name: string): MetricComparison {
  const found = comparison.metrics.find(({ metric }) => metric === name);
  if (found === undefined) throw new Error(name);
  return found;
}

describe('distributions of a comparison', () => {
  test('have all samples of a side, and the shift of each quantile that there are samples for', async () => {
    const samples = await new SampleReader(comparison).read(metricOf('ladder.ts'));
    expect(samples?.a[0]?.q).toBe(1 / 2400);
    expect(samples?.a.at(-1)?.q).toBe(1);
    expect(samples?.shifts.map(({ q }) => q)).toEqual([
      0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99,
    ]);
    // Each sample is two per cent more, and so is each quantile, but for what runs differ by themselves.
    for (const { q, change } of samples?.shifts.filter(({ q }) => q <= 0.9) ?? []) {
      expect(change.estimate, String(q)).toBeGreaterThan(0.016);
      expect(change.estimate, String(q)).toBeLessThan(0.024);
      expect(change.low).toBeLessThanOrEqual(change.estimate);
      expect(change.high).toBeGreaterThanOrEqual(change.estimate);
    }
  });

  test('are left out where samples are gone', async () => {
    const gone = { ...comparison, a: { ...comparison.a, measurements: [] } };
    expect(await new SampleReader(gone).read(metricOf('ladder.ts'))).toBeUndefined();
  });
});

describe('the page of a comparison', () => {
  test('shows sides, differences, verdicts, intervals and three pictures for each metric', async () => {
    const out = join(root, 'comparison.html');
    await writeComparisonPage(out, [comparison]);
    const check = checkHtml(await readFile(out, 'utf8'));
    expect(check).toMatchObject({ errors: [], open: [], handlers: [], tags: { h1: 1, script: 1, figure: 27 } });
    expect(check.tags['svg']).toBe(27 + 9);
    for (const shown of ['1 worse', 'old', 'new', '4.20.2', 'ladder.ts', '+2.', 'Shift', 'wall timing']) {
      expect(check.text).toContain(shown);
    }
    for (const link of check.links) expect(link).toMatch(/^#[\w-]+$/);
  });

  test('is there without samples, and for several hosts, each with sections of its own', () => {
    const page = comparisonPage(
      [comparison, comparison].map((one) => ({
        comparison: one,
        distributions: new Map(),
        pictured: one.metrics.slice(0, 2),
      })),
    );
    const check = checkHtml(page);
    expect(check).toMatchObject({ errors: [], open: [], tags: { figure: 4 } });
    const ids = [...page.matchAll(/<section id="(?<id>[^"]+)"/g)].map(({ groups }) => groups?.['id']);
    expect(new Set(ids).size).toBe(8);
    for (const link of check.links) expect(ids).toContain(link.slice(1));
  });

  test('nothing from a run becomes markup', () => {
    const evil = '"\'><script>alert(1)</script><img src=x onerror=alert(1)>';
    const set = (hour: number): MeasuredSet => {
      const host = hostOf({ name: evil, xen: { version: `${evil}${hour}` }, env: { [evil]: `${evil}${hour}` } });
      const [made] = measuredSets(measuredRuns([{ [evil]: hour }], { host, hour }));
      if (made === undefined) throw new Error('nothing measured');
      return made;
    };
    const options = {
      figure: 'p50',
      alpha: 0.05,
      confidence: 0.95,
      force: true,
      history: new NoiseHistory([], 'p50'),
    } as const;
    const compared = compareSets({ label: evil, set: set(10) }, { label: evil, set: set(11) }, options);
    const hostile = { ...compared, warnings: [evil], unmatched: { a: [evil], b: [evil] } };
    const check = checkHtml(
      comparisonPage([{ comparison: hostile, distributions: new Map(), pictured: hostile.metrics }]),
    );
    expect(check).toMatchObject({ errors: [], open: [], handlers: [] });
    expect(check.tags['script']).toBe(1);
    expect(check.tags).not.toHaveProperty('img');
  });
});

test('runs stand in their order, each in the colour of its side', () => {
  const { text } = orderChart(comparison, metricOf('ladder.ts'));
  const sides = [...text.matchAll(/stroke: var\(--series-(\d)\)[^]*?class="knots" d="([^"]*)"/g)].map(([, , d = '']) =>
    [...d.matchAll(/M([\d.]+) /g)].map(([, x]) => Number(x)),
  );
  const [a = [], b = []] = sides;
  expect(a).toHaveLength(6);
  // A B B A A B B A A B B A
  const order = [...a.map((x) => [x, 'A'] as const), ...b.map((x) => [x, 'B'] as const)].sort(([x], [y]) => x - y);
  expect(order.map(([, side]) => side).join('')).toBe('ABBAABBAABBA');
});

test('one wild metric does not squeeze the intervals of all others', () => {
  const calm = Array.from({ length: 30 }, () => metricOf('ladder.ts'));
  const wild = { ...metricOf('ladder.ts'), change: { estimate: 9, low: 5, high: 20, confidence: 1 } };
  expect(changeLimit([...calm, wild])).toBeLessThan(0.05);
  expect(changeLimit([])).toBeGreaterThan(0);
});

test('samples that have been deleted since leave the rest of the page as it is', async () => {
  for (const { directory } of comparison.b.measurements) rmSync(join(directory, 'scenarios'), { recursive: true });
  const out = join(root, 'without.html');
  await writeComparisonPage(out, [comparison]);
  expect(checkHtml(await readFile(out, 'utf8'))).toMatchObject({ errors: [], tags: { figure: 9 } });
});
