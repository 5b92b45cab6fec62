import { describe, expect, test, vi } from 'vitest';
import { sampleLadder } from '../fixtures/sample-ladder.ts';
import { rungOf } from '../fixtures/small-run.ts';
import { elementsOf, xmlTrees, type XmlTree } from '../fixtures/xml-tree.ts';
import type { Ladder } from '../ladder.ts';
import type { Metric } from '../run-schema.ts';
import { percentileCurve } from '../stats/percentile-curve.ts';
import { sortSamples } from '../stats/quantile.ts';
import { distributionChart } from './distribution-chart.ts';
import { ladderChart } from './ladder-chart.ts';

function ladderOf(label: string, metrics: readonly Metric[]): Ladder {
  const rungs = new Map(metrics.map((metric) => [metric.name.replace('ladder.', ''), metric]));
  return { label, unit: 'instructions', kind: 'exact', rungs };
}

function treeOf(svg: { text: string }): XmlTree {
  const [tree] = xmlTrees([svg.text]);
  if (tree === undefined) throw new Error('no picture');
  return tree;
}

function textsOf(tree: XmlTree): string[] {
  return elementsOf(tree, '{http://www.w3.org/2000/svg}text').map(({ text }) => text);
}

/** The lines in the colour of a series. */
function curvesOf(tree: XmlTree, index: number): (string | undefined)[] {
  const color = `stroke: var(--series-${index})`;
  return elementsOf(tree, '{http://www.w3.org/2000/svg}path')
    .filter(({ attributes }) => attributes['style'] === color)
    .map(({ attributes }) => attributes['d']);
}

/** Widths of the filled shapes of a colour, in the order of the picture. */
function barWidths(tree: XmlTree, color: string): number[] {
  const paths = elementsOf(tree, '{http://www.w3.org/2000/svg}path').filter(
    ({ attributes }) => attributes['fill'] === color,
  );
  return paths.map(({ attributes }) => {
    const corners = [...(attributes['d'] ?? '').matchAll(/[ML](-?[\d.]+) /g)].map((match) => Number(match[1]));
    return Math.max(...corners) - Math.min(...corners);
  });
}

describe('the picture of a ladder', () => {
  test('names each rung and its median', () => {
    const texts = textsOf(
      treeOf(ladderChart([ladderOf('h', [rungOf('rdtsc', 30), rungOf('ts', 41_690), rungOf('new', 77)])])),
    );
    for (const text of [
      'rdtsc',
      'no exit',
      '30',
      'ts',
      'TypeScript, blocking',
      '41,690',
      'new',
      '77',
      'instructions',
    ]) {
      expect(texts).toContain(text);
    }
  });

  test('has bars as long as the medians, from zero', () => {
    const ladders = [10_000, 20_000].map((c, index) => ladderOf(`h${index}`, [rungOf('c', c), rungOf('qemu', 56_300)]));
    const tree = treeOf(ladderChart(ladders));
    const [first, second] = ['var(--series-0)', 'var(--series-1)'].map((color) => barWidths(tree, color));
    expect(first).toHaveLength(2);
    // Rounded corners cut two pixels off a bar at most.
    const unit = (first?.[1] ?? 0) / 56_300;
    expect((first?.[0] ?? 0) / unit).toBeCloseTo(10_000, -3);
    expect((second?.[0] ?? 0) / unit).toBeCloseTo(20_000, -3);
    expect(second?.[1]).toBe(first?.[1]);
  });

  test('lets no extreme tail shrink the bars', () => {
    const calm = treeOf(ladderChart([ladderOf('h', [rungOf('ts', 1000)])]));
    const wild = treeOf(ladderChart([ladderOf('h', [rungOf('ts', 1000, { p99: 1e9, p999: 1e9, max: 1e9 })])]));
    const [before = 0] = barWidths(calm, 'var(--by-ts)');
    const [after = 0] = barWidths(wild, 'var(--by-ts)');
    expect(after).toBeGreaterThan(before * 0.6);
  });

  test('shows names as text, whatever they are', () => {
    const evil = '<img src=x onerror=alert(1)>{b|c}';
    const svg = ladderChart([ladderOf(evil, [rungOf(evil, 5)])]);
    expect(svg.text).not.toContain('<img');
    expect(textsOf(treeOf(svg))).toContain('<img src=x onerror=aler…');
  });

  test('colours follow the page, so that it fits dark, light and paper', () => {
    const svg = ladderChart([ladderOf('h', [rungOf('ts', 5)])]);
    expect(svg.text).not.toMatch(/#[0-9a-f]{3,8}|rgb|<style|class=/i);
    expect(svg.text).toMatch(/^<svg[^>]* viewBox="0 0 \d+ \d+" role="img" aria-label="[^"]+instructions/);
  });

  test('leaves no timer behind, which would keep the process alive', async () => {
    const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    const before = timers();
    ladderChart([ladderOf('h', [rungOf('ts', 5)])]);
    // The frame that was due when the picture was ready still comes; without the clean-up there is always a next one.
    await vi.waitFor(() => expect(timers()).toBeLessThanOrEqual(before));
  });
});

describe('the picture of distributions', () => {
  test('has a panel per rung and a line per host', () => {
    const curves = [1, 2].map((seed) => sampleLadder(seed, 1, 10_000));
    const panels = ['ts', 'c'].map((name) => ({
      name,
      about: `about ${name}`,
      curves: curves.map((rungs) => percentileCurve(sortSamples(rungs.get(name) ?? []))),
    }));
    const tree = treeOf(distributionChart(panels, 'instructions'));
    expect(textsOf(tree)).toEqual(expect.arrayContaining(['0 %', '90 %', '99 %', '99.9 %', '99.99 %', '50k', '100k']));
    expect(elementsOf(tree, 'b').map(({ text }) => text)).toEqual(['ts', 'c']);
    expect(elementsOf(tree, 'small').map(({ text }) => text)).toEqual(['about ts', 'about c']);
    expect(curvesOf(tree, 0)).toHaveLength(2);
    expect(curvesOf(tree, 1)).toHaveLength(2);
  });

  test.each([
    ['one sample', [7]],
    ['all the same', [30, 30, 30, 30]],
    ['zeros', [0, 0, 5]],
    ['a wide range', [1, 1e3, 4e9]],
  ])('can be drawn for %s', (_name, samples) => {
    const curves = [percentileCurve(sortSamples(samples)), undefined];
    const svg = distributionChart([{ name: 'x', about: '', curves }], 'ns');
    expect(svg.text).not.toMatch(/NaN|Infinity|undefined/);
    expect(curvesOf(treeOf(svg), 0)).toEqual([expect.stringMatching(/^M[\d.]+ [\d.]+H/)]);
  });
});
