import { describe, expect, test } from 'vitest';
import { hostOf, rungOf, runOf, scenarioOf } from './fixtures/small-run.ts';
import { laddersOf, ratioOf, rungsOf } from './ladder.ts';

const id = 'performance/ladder';
const metrics = [rungOf('ts', 41_690), rungOf('c', 40_860), rungOf('qemu', 56_300), rungOf('zero', 0)];

describe('the ladders of a run', () => {
  test('are one per host, under the name of the host', () => {
    const hosts = [hostOf({ name: 'a' }), hostOf({ name: 'b' })];
    const scenarios = hosts.map(({ name }) => scenarioOf({ id, host: name, params: { environment: 'hvm' }, metrics }));
    const groups = laddersOf(runOf([...scenarios, scenarioOf({ host: 'a' })], { hosts }));
    expect(groups.map((group) => group.map(({ label }) => label))).toEqual([['a', 'b']]);
  });

  test('are told apart by their variants where a host has several', () => {
    const scenarios = ['hvm', 'pvh'].map((environment) => scenarioOf({ id, params: { environment }, metrics }));
    const [group = []] = laddersOf(runOf(scenarios));
    expect(group.map(({ label }) => label)).toEqual(['h environment=hvm', 'h environment=pvh']);
  });

  test('of repetitions are one, each rung from the one in the middle', () => {
    const scenarios = [41_000, 43_000, 42_000, 40_000].map((ts, i) =>
      scenarioOf({ id, repetition: i + 1, metrics: [rungOf('ts', ts), rungOf('c', 80_000 - ts)] }),
    );
    const [group = []] = laddersOf(runOf(scenarios));
    expect(group.map(({ label, rungs }) => [label, rungs.get('ts')?.p50, rungs.get('c')?.p50])).toEqual([
      ['h', 41_000, 38_000],
    ]);
  });

  test('of exact and of wall timing never share a group', () => {
    const hosts = [hostOf({ name: 'a' }), hostOf({ name: 'b', timing: 'wall' })];
    const wall = [rungOf('ts', 9000, { unit: 'ns', kind: 'wall' })];
    const groups = laddersOf(
      runOf([scenarioOf({ id, host: 'a', metrics }), scenarioOf({ id, host: 'b', metrics: wall })], { hosts }),
    );
    expect(groups.map((group) => group.map(({ label, kind, unit }) => [label, kind, unit]))).toEqual([
      [['a', 'exact', 'instructions']],
      [['b', 'wall', 'ns']],
    ]);
  });

  test('of a run that climbed none are none', () => {
    expect(laddersOf(runOf([scenarioOf({ metrics: [rungOf('ts', 1, { name: 'other.ts' })] })]))).toEqual([]);
  });
});

test('rungs come from cheap to dear, unknown ones last', () => {
  const [[ladder] = []] = laddersOf(
    runOf([scenarioOf({ id, metrics: [rungOf('new', 1), ...metrics, rungOf('rdtsc', 30)] })]),
  );
  expect(rungsOf(ladder === undefined ? [] : [ladder]).map(({ name }) => name)).toEqual([
    'rdtsc',
    'c',
    'ts',
    'qemu',
    'new',
    'zero',
  ]);
});

test('a ratio is that of the medians, if there are both and it is defined', () => {
  const [[ladder] = []] = laddersOf(runOf([scenarioOf({ id, metrics })]));
  if (ladder === undefined) throw new Error('no ladder');
  expect(ratioOf(ladder, 'ts', 'c')).toBeCloseTo(1.0203, 4);
  expect(ratioOf(ladder, 'ts', 'ts-spin')).toBeUndefined();
  expect(ratioOf(ladder, 'ts', 'zero')).toBeUndefined();
});
