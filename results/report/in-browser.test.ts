import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeNightlyRuns } from '../bench/stored-runs.ts';
import { compareRuns } from '../compare/compare-runs.ts';
import type { Comparison } from '../compare/comparison.ts';
import { Browser, type View } from '../fixtures/browser.ts';
import { writeComparedRuns } from '../fixtures/compared-runs.ts';
import { writeSampleRun } from '../fixtures/sample-run.ts';
import { lastingDirectory } from '../fixtures/temporary.ts';
import { listRuns } from '../run/list-runs.ts';
import { readRun } from '../run/read-run.ts';
import { writeComparisonPage } from './write-comparison.ts';
import { writeTrends } from './write-trends.ts';

const directory = lastingDirectory();
let browser: Browser;
const pages: Record<string, string> = {};

beforeAll(async () => {
  browser = new Browser();
  const sample = await writeSampleRun({ root: join(directory, 'sample'), samples: 2000 });
  pages['report'] = join(sample.directory, 'report.html');
  await writeNightlyRuns(join(directory, 'nights'), 400);
  pages['trends'] = join(directory, 'trends.html');
  pages['comparison'] = join(directory, 'comparison.html');
  const sides = await writeComparedRuns(join(directory, 'compared'), 5);
  await writeComparisonPage(pages['comparison'], await compareDirectories(sides));
  await writeTrends(await listRuns(join(directory, 'nights', 'runs')), { out: pages['trends'], version: '0' });
}, 60_000);

afterAll(async () => {
  await browser[Symbol.asyncDispose]();
});

async function compareDirectories({ a, b }: { a: string[]; b: string[] }): Promise<Comparison[]> {
  const stored = async (directories: readonly string[]) =>
    await Promise.all(directories.map(async (one) => ({ directory: one, run: await readRun(one) })));
  const options = { root: directory, figure: 'p50', alpha: 0.05, confidence: 0.95, force: false } as const;
  return await compareRuns({ label: 'a', runs: await stored(a) }, { label: 'b', runs: await stored(b) }, options);
}

/** Of each picture: its size on the screen, and the marks in it that a reader sees. */
const PICTURES = `[...document.querySelectorAll('svg')].map((svg) => {
  const { width, height } = svg.getBoundingClientRect();
  const isSeen = (mark) => {
    const style = getComputedStyle(mark);
    const { width, height } = mark.getBoundingClientRect();
    const isPainted = (paint) => paint !== 'none' && !/, 0\\)$/.test(paint);
    return (width > 0 || height > 0 || style.strokeLinecap === 'round') && (isPainted(style.fill) || isPainted(style.stroke));
  };
  const marks = [...svg.querySelectorAll('path, rect, circle, line, polyline')].filter(isSeen).length;
  return { width, height, marks, name: svg.getAttribute('aria-label') ?? svg.getAttribute('class') };
})`;

interface Picture {
  readonly width: number;
  readonly height: number;
  readonly marks: number;
  readonly name: string;
}

const views: [string, View][] = [
  ['light', { scheme: 'light' }],
  ['dark', { scheme: 'dark' }],
  ['print', { media: 'print' }],
  ['phone', { width: 390, height: 844 }],
];

describe.each(['report', 'trends', 'comparison'])('the %s in Chromium', { timeout: 60_000 }, (name) => {
  test.each(views)('%s: every picture is drawn, nothing goes wrong, nothing is fetched', async (_view, view) => {
    const page = await browser.open(pages[name] ?? '', view);
    const pictures = await page.evaluate<Picture[]>(PICTURES);
    expect(pictures.length).toBeGreaterThan(1);
    for (const picture of pictures) {
      expect(picture.width, picture.name).toBeGreaterThan(50);
      expect(picture.height, picture.name).toBeGreaterThan(15);
      expect(picture.marks, picture.name).toBeGreaterThan(1);
    }
    // The page itself never scrolls sideways: wide tables and pictures do it in a box of their own.
    const [content, window] = await page.evaluate<[number, number]>(
      '[document.documentElement.scrollWidth, innerWidth]',
    );
    if (view.media !== 'print') expect(content).toBeLessThanOrEqual(window);
    expect(page.errors).toEqual([]);
    expect(page.requests).toEqual([]);
  });

  test('dark is dark, light is light, and paper is light whatever the reader prefers', async () => {
    const lightness = async (view: View): Promise<[number, number]> => {
      const page = await browser.open(pages[name] ?? '', view);
      return await page.evaluate<[number, number]>(
        `['backgroundColor', 'color'].map((of) => Number(/\\d+/.exec(getComputedStyle(document.body)[of])[0]))`,
      );
    };
    for (const view of [{ scheme: 'light' }, { scheme: 'dark', media: 'print' }] as const) {
      const [page, ink] = await lightness(view);
      expect(page).toBeGreaterThan(240);
      expect(ink).toBeLessThan(60);
    }
    const [page, ink] = await lightness({ scheme: 'dark' });
    expect(page).toBeLessThan(40);
    expect(ink).toBeGreaterThan(200);
  });

  test('a click on a heading sorts, a second one the other way round, for every table', async () => {
    const page = await browser.open(pages[name] ?? '');
    const tables = await page.evaluate<{ before: string[]; up: string[]; down: string[]; arrow: string }[]>(`
      [...document.querySelectorAll('table:has(th[aria-sort])')].map((table) => {
        const head = [...table.querySelectorAll('th[aria-sort]')].at(-1);
        const column = [...head.parentElement.children].indexOf(head);
        const keys = () => [...table.tBodies[0].rows].map((row) => row.children[column].dataset.key ?? row.children[column].textContent.trim());
        const before = keys();
        head.querySelector('button').click();
        const up = keys();
        head.querySelector('button').click();
        return { before, up, down: keys(), arrow: head.getAttribute('aria-sort') };
      })`);
    expect(tables.length).toBeGreaterThan(0);
    const collator = new Intl.Collator('en', { numeric: true });
    for (const { before, up, down, arrow } of tables) {
      const isNumeric = before.every((key) => key === '' || Number.isFinite(Number(key)));
      const given = before.filter((key) => key !== '');
      const sorted = given.sort(isNumeric ? (a, b) => Number(a) - Number(b) : collator.compare);
      expect(up.filter((key) => key !== '')).toEqual(sorted);
      expect(down.filter((key) => key !== '')).toEqual(
        down.filter((key) => key !== '').sort((a, b) => sorted.lastIndexOf(b) - sorted.lastIndexOf(a)),
      );
      expect(down.length).toBe(before.length);
      expect(arrow).toBe('descending');
    }
  });

  test('words filter the rows', async () => {
    const page = await browser.open(pages[name] ?? '');
    const [shown, hidden] = await page.evaluate<[string[], number]>(`(() => {
      const filter = document.querySelector('.filter');
      const input = filter.querySelector('input');
      const rows = [...document.querySelectorAll('#' + filter.dataset.table + ' tbody tr')];
      input.value = rows[0].querySelector('th').firstChild.textContent.trim();
      input.dispatchEvent(new Event('input'));
      const texts = (hidden) => rows.filter((row) => row.hidden === hidden).map((row) => row.textContent);
      return [texts(false).map((text) => text.includes(input.value) ? 'found' : text), texts(true).length];
    })()`);
    expect(new Set(shown)).toEqual(new Set(['found']));
    expect(hidden).toBeGreaterThan(0);
  });

  test('it prints', async () => {
    const page = await browser.open(pages[name] ?? '');
    const pdf = await page.pdf();
    expect(pdf.subarray(0, 5).toString('latin1')).toBe('%PDF-');
    expect(pdf.toString('latin1').match(/\/Type\s*\/Page\b/g)?.length).toBeGreaterThan(1);
  });
});

describe('what the tests look for is found', { timeout: 60_000 }, () => {
  test('in a page with a script error, a request and an empty picture', async () => {
    const file = join(directory, 'bad.html');
    writeFileSync(
      file,
      '<svg width="90" height="90"><path d="M0 0"/></svg><img src="no.png"><script>throw new Error("x")</script>',
    );
    const page = await browser.open(file);
    expect(page.errors.join()).toContain('Error: x');
    expect(page.requests.join()).toContain('no.png');
    expect(await page.evaluate<Picture[]>(PICTURES)).toMatchObject([{ marks: 0 }]);
  });
});
