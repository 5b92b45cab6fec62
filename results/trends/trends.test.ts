import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nightlyRun, nightOf, SERIES, writeNightlyRuns } from '../bench/stored-runs.ts';
import { checkHtml } from '../fixtures/html-check.ts';
import { hostOf, rungOf, runOf, scenarioOf } from '../fixtures/small-run.ts';
import { temporaryDirectory } from '../fixtures/temporary.ts';
import { trendsPage } from '../report/trends-page.ts';
import { writeTrends } from '../report/write-trends.ts';
import { listRuns } from '../run/list-runs.ts';
import { isRunId } from '../run/run-id.ts';
import { runSchema, type Run } from '../run-schema.ts';
import { detectChanges } from './detect-changes.ts';
import { environmentOf } from '../compare/environment.ts';
import { environmentChanges, releaseLabel } from './environment.ts';
import { readHistory } from './history.ts';
import { SeriesBuilder, type Series } from './series.ts';
import { parseSince, startOf } from './since.ts';
import { parseStored } from './run-figures.ts';
import { trendOf } from './trend.ts';
import { trendLines, trendsText } from './trends-text.ts';

/** Series of runs with one figure each, in the order of time. */
function seriesOf(runs: readonly Run[]): Series[] {
  const builder = new SeriesBuilder();
  for (const run of runs) builder.add(run, `/runs/${run.id}`);
  return builder.finish();
}

function night(index: number, scenarios: Run['scenarios'], hosts = [hostOf()]): Run {
  return { ...runOf(scenarios, { hosts }), ...nightOf(index) };
}

/** A series of these values, one a night. */
function plainSeries(values: readonly number[], given: Partial<Parameters<typeof rungOf>[2]> = {}): Series {
  const runs = values.map((value, index) => night(index, [scenarioOf({ metrics: [rungOf('ts', value, given)] })]));
  const [series] = seriesOf(runs);
  if (series === undefined) throw new Error('no series');
  return series;
}

describe('series', () => {
  test('one for each metric, host, variant, unit, kind of time and processor', () => {
    const exact = rungOf('ts', 40_000);
    const wall = rungOf('ts', 9000, { unit: 'cycles', kind: 'wall' });
    const old = hostOf({ env: { cpu: 'old' } });
    const runs = [
      night(0, [
        scenarioOf({ metrics: [exact, wall, rungOf('c', 1)] }),
        scenarioOf({ params: { vcpus: 2 }, metrics: [exact] }),
      ]),
      night(1, [scenarioOf({ metrics: [exact] })]),
      night(2, [scenarioOf({ metrics: [exact] })], [old]),
      night(
        3,
        [scenarioOf({ metrics: [exact] }), scenarioOf({ host: 'other', metrics: [exact] })],
        [old, hostOf({ name: 'other' })],
      ),
    ];
    const found = seriesOf(runs).map(({ metric, kind, host, variant, processor, points }) =>
      [metric, kind, host, variant, processor, points.length].join(' '),
    );
    expect(found.sort()).toEqual(
      [
        ...[
          'ladder.c exact h   1',
          'ladder.ts exact h   2',
          'ladder.ts exact h  old 2',
          'ladder.ts exact h vcpus=2  1',
        ],
        ...['ladder.ts exact other   1', 'ladder.ts wall h   1'],
      ].sort(),
    );
  });

  test('exact and wall never meet, whatever the runs are', () => {
    const metric = fc.record({
      rung: fc.constantFrom('ts', 'c'),
      kind: fc.constantFrom('exact', 'wall'),
      value: fc.nat(1e6),
    });
    fc.assert(
      fc.property(fc.array(fc.array(metric, { maxLength: 6 }), { maxLength: 8 }), (nights) => {
        const runs = nights.map((metrics, index) =>
          night(index, [
            scenarioOf({
              metrics: metrics.map(({ rung, kind, value }) => rungOf(rung, value, { unit: 'bytes', kind } as const)),
            }),
          ]),
        );
        for (const { metric: name, kind, points } of seriesOf(runs)) {
          for (const { run, value } of points) {
            const own = runs.find(({ id }) => id === run.id)?.scenarios.flatMap(({ metrics }) => metrics) ?? [];
            const values = own.filter((one) => one.name === name && one.kind === kind).map(({ p50 }) => p50);
            expect(value).toBeGreaterThanOrEqual(Math.min(...values));
            expect(value).toBeLessThanOrEqual(Math.max(...values));
          }
        }
      }),
    );
  });

  test('the run is the unit: repetitions become one point, their median', () => {
    const metrics = (value: number) => ({ metrics: [rungOf('ts', value)] });
    const run = night(
      0,
      [1, 2, 3].map((n) => scenarioOf({ repetition: n, ...metrics(n * n) })),
    );
    expect(seriesOf([run])[0]?.points.map(({ value }) => value)).toEqual([4]);
    expect(seriesOf([run, run])[0]?.points).toHaveLength(1);
  });

  test('what failed measured nothing', () => {
    const verdicts = ['fail', 'error', 'skip', 'notRun'] as const;
    expect(
      seriesOf([
        night(
          0,
          verdicts.map((verdict) => scenarioOf({ verdict, metrics: [rungOf('ts', 1)] })),
        ),
      ]),
    ).toEqual([]);
  });
});

describe('a trend', () => {
  const step = [
    ...Array.from({ length: 30 }, (_, i) => 1000 + (i % 3)),
    ...Array.from({ length: 30 }, (_, i) => 1010 + (i % 3)),
  ];

  test('finds a step of one per cent, and says where, how much and that it is for the worse', () => {
    const { changes, segments } = trendOf(plainSeries(step), detectChanges);
    expect(changes).toMatchObject([{ index: 30, before: 1001, after: 1011, isWorse: true }]);
    expect(changes[0]?.relative).toBeCloseTo(0.01, 3);
    expect(segments).toMatchObject([
      { start: 0, end: 30 },
      { start: 30, end: 60 },
    ]);
  });

  test('more is better for rates, and neither for counts', () => {
    const rate = plainSeries([5, 6], { unit: 'perSecond', kind: 'wall' });
    expect(trendOf(rate, () => [1]).changes).toMatchObject([{ isWorse: false }]);
    expect(trendOf(plainSeries([5, 6], { unit: 'count' }), () => [1]).changes).toMatchObject([{ isWorse: undefined }]);
  });

  test('finds nothing where nothing changes, or less than repeats', () => {
    expect(trendOf(plainSeries(Array.from({ length: 60 }, () => 8)), detectChanges).changes).toEqual([]);
    // A step of one and a half thousandths, of which the test is certain.
    const tiny = Array.from({ length: 60 }, (_, index) => (index < 30 ? 100_000 : 100_150));
    expect(trendOf(plainSeries(tiny), detectChanges).changes).toEqual([]);
    expect(trendOf(plainSeries([5]), detectChanges)).toMatchObject({ changes: [], segments: [{ start: 0, end: 1 }] });
  });

  test('segments cover the series without a gap, and steps between them are large enough, whatever is detected', () => {
    const cuts = fc.uniqueArray(fc.integer({ min: 1, max: 39 })).map((all) => all.sort((a, b) => a - b));
    const values = fc.array(fc.integer({ min: 9980, max: 10_060 }), { minLength: 40, maxLength: 40 });
    fc.assert(
      fc.property(values, cuts, (all, found) => {
        const { segments, changes } = trendOf(plainSeries(all), () => found);
        expect([0, ...segments.map(({ end }) => end)]).toEqual([...segments.map(({ start }) => start), 40]);
        expect(changes.map(({ index }) => index)).toEqual(segments.slice(1).map(({ start }) => start));
        for (const { relative } of changes) expect(Math.abs(relative ?? 0)).toBeGreaterThanOrEqual(0.002);
      }),
      { numRuns: 30 },
    );
  });

  test('marks releases, and says with a change what changed with it', () => {
    const host = (version: string, kernel: string) =>
      hostOf({ xen: { version }, dom0: { kernel }, env: { scheduler: 'credit2' } });
    const hosts = [host('4.20.1', '6.1'), host('4.20.1', '6.1'), host('4.20.2', '6.1'), host('4.20.2', '6.12')];
    const runs = hosts.map((one, index) =>
      night(index, [scenarioOf({ metrics: [rungOf('ts', index < 2 ? 5 : 6)] })], [one]),
    );
    const [series] = seriesOf(runs);
    if (series === undefined) throw new Error('no series');
    const { releases, changes } = trendOf(series, () => [2]);
    expect(releases).toEqual([
      { index: 2, label: 'Xen 4.20.2' },
      { index: 3, label: 'Linux 6.12' },
    ]);
    expect(changes[0]?.environment).toEqual([{ name: 'Xen', from: '4.20.1', to: '4.20.2' }]);
  });

  test('a release is a new Xen, changeset, build or kernel, and nothing else', () => {
    const base = hostOf({
      xen: { version: '4.20', changeset: 'a', buildId: 'b' },
      dom0: { kernel: '6' },
      env: { node: '20' },
    });
    const label = (given: Partial<typeof base>): string | undefined =>
      releaseLabel(environmentChanges(environmentOf(base, undefined), environmentOf({ ...base, ...given }, undefined)));
    expect(label({})).toBeUndefined();
    expect(label({ env: { node: '22' } })).toBeUndefined();
    expect(label({ xen: { version: '4.20', changeset: '0123456789abcdef', buildId: 'c' } })).toBe('Xen 0123456789ab');
    expect(label({ xen: { version: '4.20', changeset: 'a', buildId: 'c' } })).toBe('Xen rebuilt');
    expect(label({ dom0: { kernel: '7' } })).toBe('Linux 7');
  });
});

describe('reading stored runs', () => {
  test('takes what the whole schema takes, and refuses what it refuses of what is looked at', () => {
    const good = nightlyRun(3, { hosts: [hostOf({ name: 'emulated-4.20' })] });
    expect(runSchema.parse(good).scenarios).toHaveLength(82);
    expect(parseStored(JSON.stringify(good))).toHaveProperty('run');
    const broken = [
      { ...good, schema: 2 },
      { ...good, hosts: [] },
      { ...good, startedAt: 'yesterday' },
      {
        ...good,
        scenarios: good.scenarios.map((one) => ({
          ...one,
          metrics: one.metrics.map((metric) => ({ ...metric, p50: '7' })),
        })),
      },
      {
        ...good,
        scenarios: good.scenarios.map((one) => ({
          ...one,
          metrics: one.metrics.map((metric) => ({ ...metric, p50: 1e9 })),
        })),
      },
      {
        ...good,
        scenarios: good.scenarios.map((one) => ({
          ...one,
          metrics: one.metrics.map((metric) => ({ ...metric, kind: 'wall' })),
        })),
      },
    ];
    for (const one of broken) {
      expect(runSchema.safeParse(one).success).toBe(false);
      expect(parseStored(JSON.stringify(one))).toHaveProperty('why');
    }
    expect(parseStored('{')).toEqual({ why: 'not JSON' });
  });

  test('any value at all is a run or has a reason', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(parseStored(JSON.stringify(value))).toHaveProperty('why');
      }),
    );
  });

  test('one broken file does not cost the others, and is named', async () => {
    const root = temporaryDirectory();
    await writeNightlyRuns(root, 20);
    const runs = join(root, 'runs');
    const [first, second, third] = (await listRuns(runs)).map(({ directory }) => directory);
    writeFileSync(join(first ?? '', 'run.json'), '{"schema":1');
    writeFileSync(join(second ?? '', 'run.json'), '{"schema":1}');
    rmSync(join(third ?? '', 'run.json'));
    mkdirSync(join(third ?? '', 'run.json'));
    const history = await readHistory(await listRuns(runs));
    expect(history).toMatchObject({ runs: 17, from: Date.UTC(2000, 0, 1, 2), to: Date.UTC(2000, 0, 17, 2) });
    expect(history.series).toHaveLength(12);
    for (const { points } of history.series)
      expect(points.map(({ run }) => run.at)).toEqual(points.map((_, i) => Date.UTC(2000, 0, 1 + i, 2)));
    expect(history.unreadable.map(({ why }) => why)).toEqual([
      expect.stringContaining('EISDIR'),
      expect.stringContaining('id: '),
      'not JSON',
    ]);
  });

  test('nothing to read is no error', async () => {
    expect(await readHistory([])).toMatchObject({ series: [], runs: 0, from: undefined });
  });

  test('can be given up', async () => {
    const root = temporaryDirectory();
    await writeNightlyRuns(root, 2);
    await expect(readHistory(await listRuns(join(root, 'runs')), AbortSignal.abort())).rejects.toThrow('aborted');
  });
});

describe('a period', () => {
  const now = Date.parse('2026-11-22T12:00:00Z');
  test.each([
    ['30d', '2026-10-23T12:00:00.000Z'],
    ['12h', '2026-11-22T00:00:00.000Z'],
    ['2w', '2026-11-08T12:00:00.000Z'],
    ['2026-11-01', '2026-11-01T00:00:00.000Z'],
    ['2026-11-01T10:30:00+01:00', '2026-11-01T09:30:00.000Z'],
  ])('%s', (text, start) => {
    expect(new Date(parseSince(text, now)).toISOString()).toBe(start);
  });

  test.each(['', '30', 'd', '30m', 'yesterday', '2026-13-01', '2026-02-31', '1999999d', '2026-11-01T10:30'])(
    'not %j',
    (text) => {
      expect(() => parseSince(text, now)).toThrow('neither an age nor a date');
    },
  );

  test('a run says by its id when it was started', () => {
    const { id, startedAt } = nightOf(123);
    expect(isRunId(id)).toBe(true);
    expect(startOf(id)).toBe(Date.parse(startedAt));
  });
});

describe('the page of trends', { timeout: 60_000 }, () => {
  test('shows changes, series and pictures, and is well-formed', async () => {
    const root = temporaryDirectory();
    await writeNightlyRuns(root, 400);
    const out = join(root, 'trends.html');
    const result = await writeTrends(await listRuns(join(root, 'runs')), { out, version: '1.2.3' });
    const { history, trends } = result;
    const check = checkHtml(trendsPage(history, trends, { directory: root, version: '1.2.3' }));
    expect(check).toMatchObject({ errors: [], open: [], handlers: [], tags: { h1: 1, script: 1, figure: 12 } });
    expect(check.tags['svg']).toBe(24);
    for (const link of check.links) expect(link).toMatch(/^(?:#\w+|\.\/runs\/\w+-\w+\/report\.html)$/);
    for (const shown of ['400 runs', '12 series', 'ladder.ts', 'Xen 4.20.1', '+3.0 %'])
      expect(check.text).toContain(shown);
    // Each series steps by three per cent, or back by six, on nights of its own; between them there is but noise.
    for (const { series, changes } of trends) {
      const own = SERIES.indexOf(series.metric);
      const steps = Array.from({ length: 399 }, (_, night) => night + 1).filter(
        (night) => (night + own * 83) % 331 === 0,
      );
      const large = changes.filter(({ relative }) => Math.abs(relative ?? 0) > 0.01).map(({ index }) => index);
      // Eight instructions have no three per cent.
      expect(large, series.metric).toEqual(series.metric === 'ladder.rdtsc' ? [] : steps);
    }

    const lines = trendLines(result, out)
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines).toHaveLength(13);
    expect(lines.at(-1)).toMatchObject({ type: 'report', file: out, runs: 400, series: 12 });
    expect(lines[0]).toMatchObject({ type: 'series', metric: 'ladder.c-spin', kind: 'exact', runs: 400 });
    expect(trendsText(result, out)).toContain('400 runs, 12 series');
  });

  test('nothing from a run becomes markup', () => {
    const evil = '"\'><script>alert(1)</script><img src=x onerror=alert(1)>';
    const runs = [5, 6].map((value, index) => {
      const host = hostOf({ name: evil, xen: { version: `${evil}${index}` }, env: { [evil]: `${evil}${index}` } });
      const metrics = [rungOf(evil, value)];
      return night(index, [scenarioOf({ id: evil, host: evil, params: { [evil]: evil }, metrics })], [host]);
    });
    const series = seriesOf(runs);
    const trends = series.map((one) => trendOf(one, () => [1]));
    const unreadable = [{ id: evil, why: evil }];
    const page = trendsPage({ series, runs: 2, from: 0, to: 1, unreadable }, trends, {
      directory: '/',
      version: evil,
      notes: [evil],
    });
    const check = checkHtml(page);
    expect(check).toMatchObject({ errors: [], open: [], handlers: [] });
    expect(check.tags['script']).toBe(1);
    expect(check.tags).not.toHaveProperty('img');
  });
});
