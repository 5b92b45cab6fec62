import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkHtml } from '../fixtures/html-check.ts';
import { hostOf, rungOf, runOf, scenarioOf } from '../fixtures/small-run.ts';
import { elementsOf, xmlTrees, type XmlTree } from '../fixtures/xml-tree.ts';
import type { Metric } from '../run-schema.ts';
import { scalingsOf } from '../scaling.ts';
import { splitsOf } from '../split.ts';
import { axisOf, linearTicks } from './plot.ts';
import { scalingChart, scalingSection } from './scaling-section.ts';
import { splitSection } from './split-section.ts';
import { thinOut } from './thin-out.ts';

const SVG = '{http://www.w3.org/2000/svg}';

function measured(name: string, median: number, given: Partial<Metric> = {}): Metric {
  return { ...rungOf('', median, given), name };
}

function treeOf(markup: { text: string } | undefined): XmlTree {
  const [tree] = xmlTrees([markup?.text.replaceAll('&#39;', "'") ?? '']);
  if (tree === undefined) throw new Error('no picture');
  return tree;
}

describe('where the time goes', () => {
  const parts = (rung: string, out: number, model: number, back: number): Metric[] => [
    measured(`split.${rung}.out`, out),
    measured(`split.${rung}.device-model`, model),
    measured(`split.${rung}.in`, back),
  ];

  test('parts are found by name, in the order of the ladder, with the whole', () => {
    const metrics = [
      ...parts('ts', 20, 2, 18),
      ...parts('ts-spin', 4, 2, 4),
      rungOf('ts', 41),
      measured('split.c.out', 1),
    ];
    const [splits] = splitsOf(runOf([scenarioOf({ metrics })]));
    expect(splits?.rungs.map(({ rung }) => rung)).toEqual(['ts-spin', 'ts']);
    expect(splits?.rungs[1]).toMatchObject({ whole: { p50: 41 }, parts: { out: { p50: 20 }, in: { p50: 18 } } });
    expect(splits?.rungs[0]?.whole).toBeUndefined();
  });

  test('bars are as long as the medians, one after the other, to one scale', () => {
    const metrics = [...parts('c', 30, 10, 60), ...parts('ts', 100, 20, 80)];
    const tree = treeOf(splitSection(runOf([scenarioOf({ metrics })])));
    const bars = elementsOf(tree, `${SVG}rect`).map(({ attributes }) =>
      [attributes['x'], attributes['width']].map(Number),
    );
    expect(bars).toEqual([
      [0, 150],
      [150, 50],
      [200, 300],
      [0, 500],
      [500, 100],
      [600, 400],
    ]);
  });

  test('exact and wall have pictures of their own', () => {
    const wall = parts('ts', 5, 5, 5).map((metric) => ({ ...metric, unit: 'cycles', kind: 'wall' }) as const);
    const metrics = [...parts('ts', 20, 2, 18), ...wall];
    const { tags } = checkHtml(splitSection(runOf([scenarioOf({ metrics })]))?.text ?? '');
    expect(tags['figure']).toBe(2);
  });

  test('parts that clocks make negative, or that are all nothing, are drawn as nothing', () => {
    const negative = splitSection(runOf([scenarioOf({ metrics: parts('ts', -3, 0, 0) })]));
    expect(negative?.text).not.toMatch(/NaN|Infinity|width="-/);
    expect(splitSection(runOf([scenarioOf()]))).toBeUndefined();
  });
});

describe('scaling', () => {
  const metrics = [1, 2, 4, 16].flatMap((count) => [
    measured(`vcpus.${count}.ts`, 100 * count),
    measured(`vcpus.${count}.c`, 90 * count),
    measured(`ranges.${count}.last.ts`, 7),
  ]);

  test('lines are found by name; a single count makes none', () => {
    const run = runOf([scenarioOf({ metrics: [...metrics, measured('servers.8.ts', 1), measured('rep.x.ts', 1)] })]);
    expect(scalingsOf(run).map(({ topic, lines }) => [topic, ...lines.map(({ name }) => name)])).toEqual([
      ['vcpus', 'ts', 'c'],
      ['ranges', 'last.ts'],
    ]);
    expect(scalingsOf(run)[0]?.lines[0]?.points.map(({ count, metric }) => [count, metric.p50])).toEqual([
      [1, 100],
      [2, 200],
      [4, 400],
      [16, 1600],
    ]);
  });

  test('a picture is proportional from zero, and its counts double evenly', () => {
    const [scaling] = scalingsOf(runOf([scenarioOf({ metrics })]));
    if (scaling === undefined) throw new Error('no scaling');
    const knots = elementsOf(treeOf(scalingChart(scaling)), `${SVG}path`).find(
      ({ attributes }) => attributes['class'] === 'knots',
    );
    const places = [...(knots?.attributes['d'] ?? '').matchAll(/M([\d.]+) ([\d.]+)/g)].map(([, x, y]) => [
      Number(x),
      Number(y),
    ]);
    const [xs, ys] = [places.map(([x = 0]) => x), places.map(([, y = 0]) => y)];
    const [x0 = 0, x1 = 0, x2 = 0, x3 = 0] = xs;
    expect(x1 - x0).toBeCloseTo(x2 - x1, 0);
    expect(x3 - x2).toBeCloseTo(2 * (x1 - x0), 0);
    const bottom = 228;
    for (const [index, factor] of [2, 4, 16].entries()) {
      expect((bottom - (ys[index + 1] ?? 0)) / (bottom - (ys[0] ?? 0))).toBeCloseTo(factor, 0);
    }
  });

  test('names never cover each other, however near the lines', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1000), { minLength: 1, maxLength: 14 }), (medians) => {
        const near = medians.flatMap((median, index) =>
          [1, 2].map((count) => measured(`vcpus.${count}.n${index}`, median * count)),
        );
        const [scaling] = scalingsOf(runOf([scenarioOf({ metrics: near })]));
        if (scaling === undefined) throw new Error('no scaling');
        const { text } = scalingChart(scaling);
        expect(text).not.toMatch(/NaN|Infinity/);
        const ys = [...text.matchAll(/class="start name"\s+x="[\d.]+"\s+y="([\d.-]+)"/g)]
          .map(([, y]) => Number(y))
          .sort((a, b) => a - b);
        expect(ys).toHaveLength(medians.length);
        for (const [index, y] of ys.slice(1).entries()) expect(y - (ys[index] ?? 0)).toBeGreaterThanOrEqual(13.8);
      }),
      { numRuns: 40 },
    );
  });

  test('a picture for each host, to the same scale', () => {
    const double = metrics.map((metric) => measured(metric.name, metric.p50 * 2));
    const hosts = [hostOf(), hostOf({ name: 'i' })];
    const section = scalingSection(
      runOf([scenarioOf({ metrics }), scenarioOf({ host: 'i', metrics: double })], { hosts }),
    );
    const charts = elementsOf(treeOf(section), `${SVG}svg`);
    expect(charts).toHaveLength(4);
    const labels = charts.map((chart) =>
      elementsOf(chart, `${SVG}text`)
        .filter(({ attributes }) => attributes['class'] === 'end')
        .map(({ text }) => text)
        .join(),
    );
    expect(labels[0]).toBe(labels[2]);
  });
});

test('nothing in a name becomes markup', () => {
  const evil = '"\'><script>alert(1)</script>';
  const metrics = [1, 2].flatMap((count) => [
    measured(`vcpus.${count}.${evil}`, 5),
    ...['out', 'device-model', 'in'].map((part) => measured(`split.${evil}.${part}`, 3)),
  ]);
  const run = runOf([scenarioOf({ host: evil, metrics })], { hosts: [hostOf({ name: evil })] });
  const page = `${splitSection(run)?.text ?? ''}${scalingSection(run)?.text ?? ''}`;
  expect(checkHtml(page)).toMatchObject({ errors: [], open: [], handlers: [] });
  expect(checkHtml(page).tags).not.toHaveProperty('script');
});

describe('axes', () => {
  test('ticks are round, rising, within the range, and few', () => {
    fc.assert(
      fc.property(
        fc.double({ min: -1e6, max: 1e6, noNaN: true }),
        fc.double({ min: 1e-3, max: 1e6, noNaN: true }),
        (low, span) => {
          const ticks = linearTicks(low, low + span, 5);
          expect(ticks.length).toBeLessThanOrEqual(6);
          expect(ticks).toEqual([...new Set(ticks)].sort((a, b) => a - b));
        },
      ),
    );
    expect(linearTicks(0, 63_000, 5)).toEqual([0, 20_000, 40_000, 60_000]);
    expect(linearTicks(0.1, 0.35, 3)).toEqual([0.1, 0.2, 0.3]);
    expect(linearTicks(5, 5, 3)).toEqual([5]);
  });

  test('places go from end to end, and no further', () => {
    const axis = axisOf({ from: 1, to: 100, start: 10, end: 30, ticks: [], transform: Math.log });
    expect([1, 10, 100, 1e9].map(axis.at)).toEqual([10, 20, 30, 30]);
  });
});

test('thinned out, a line keeps its ends and its peaks, and has no more points than columns have sides', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer(), { minLength: 1, maxLength: 400 }),
      fc.integer({ min: 1, max: 50 }),
      (values, buckets) => {
        const kept = thinOut(values, buckets);
        expect(kept.length).toBeLessThanOrEqual(2 * buckets);
        expect(kept.map(([index]) => index)).toEqual(kept.map(([index]) => index).sort((a, b) => a - b));
        for (const [index, value] of kept) expect(values[index]).toBe(value);
        expect(Math.max(...kept.map(([, value]) => value))).toBe(Math.max(...values));
        expect(Math.min(...kept.map(([, value]) => value))).toBe(Math.min(...values));
      },
    ),
  );
});
