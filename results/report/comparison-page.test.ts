import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { Browser } from '../fixtures/browser.ts';
import { checkHtml } from '../fixtures/html-check.ts';
import { measuredRuns, type Medians } from '../fixtures/measured-runs.ts';
import { temporaryDirectory } from '../fixtures/temporary.ts';
import { compareSets } from '../compare/compare-sets.ts';
import type { Comparison } from '../compare/comparison.ts';
import { writeComparisonPage } from './write-comparison.ts';
import { NoiseHistory } from '../compare/history.ts';
import { measuredSets } from '../compare/measured-set.ts';

// A busy machine.
vi.setConfig({ testTimeout: 60_000 });

const hostile = '"><script>alert(1)</script>';

function comparison(scale: number): Comparison {
  const medians = (factor: number): Medians[] =>
    Array.from({ length: 5 }, (_, i) => ({ [`ladder.ts${hostile}`]: (40_000 + i) * factor, 'ladder.xen': 1570 }));
  const [a] = measuredSets(measuredRuns(medians(1), { hour: 10 }));
  const [b] = measuredSets(measuredRuns(medians(scale), { hour: 11, host: { env: { scheduler: hostile } } }));
  if (a === undefined || b === undefined) throw new Error('nothing measured');
  const options = { figure: 'p50', alpha: 0.05, confidence: 0.95, force: true } as const;
  const labelled = [
    { label: 'old', set: a },
    { label: 'new', set: b },
  ] as const;
  return compareSets(...labelled, { ...options, history: new NoiseHistory([], 'p50') });
}

async function page(...comparisons: Comparison[]): Promise<string> {
  const path = join(temporaryDirectory(), 'page.html');
  await writeComparisonPage(path, comparisons);
  return readFileSync(path, 'utf8');
}

test('says first what came of it, and shows every metric, its change, and the runs', async () => {
  const text = await page(comparison(1.05));
  expect(text).toMatch(/<h1 data-tone="bad">1 worse<\/h1>/);
  expect(text).toContain('ladder.xen');
  expect(text).toContain('+5.0 %');
  expect(text.match(/<svg class="forest/g)).toHaveLength(2);
  expect(text).toContain('20261122T100000Z-k3f9qt');
});

test('is sound markup of its own, whatever the runs hold, also of several comparisons', async () => {
  const text = await page(comparison(1.05), comparison(0.9));
  expect(text).not.toContain('<script>alert');
  const { open, errors, links, handlers } = checkHtml(text);
  expect([open, errors, handlers]).toEqual([[], [], []]);
  expect(links.every((link) => link.startsWith('#'))).toBe(true);
  expect(text).toMatch(/<h1 data-tone="bad">1 worse, 1 better<\/h1>/);
  const ids = [...text.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
  expect(new Set(ids).size).toBe(ids.length);
});

test('is drawn by Chromium, without an error and without a network', { timeout: 60_000 }, async () => {
  const path = join(temporaryDirectory(), 'page.html');
  await writeComparisonPage(path, [comparison(1.05)]);
  await using browser = new Browser();
  for (const view of [{}, { scheme: 'dark' }, { media: 'print' }, { width: 390, height: 844 }] as const) {
    const opened = await browser.open(path, view);
    const dots =
      '[...document.querySelectorAll("svg.forest .whisker")].filter((one) => one.getBoundingClientRect().width > 0).length';
    // What never varies has an interval without width.
    expect(await opened.evaluate<number>(dots)).toBe(1);
    const sideways = 'document.documentElement.scrollWidth - innerWidth';
    if (!('media' in view)) expect(await opened.evaluate<number>(sideways)).toBeLessThanOrEqual(0);
    expect([opened.errors, opened.requests]).toEqual([[], []]);
  }
});

test('of what did not change is short', async () => {
  expect(await page(comparison(1))).toMatch(/<h1 data-tone="good">All the same<\/h1>/);
});
