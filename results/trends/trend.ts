import { LEAST_FLOOR } from '../compare/history.ts';
import type { Unit } from '../run-schema.ts';
import { betterOf } from '../unit-direction.ts';
import { environmentChanges, releaseLabel, type EnvironmentChange } from './environment.ts';
import type { Series } from './series.ts';

/** A stretch of a series between two changes, ends not included. */
export interface Segment {
  readonly start: number;
  readonly end: number;
  /** Median of its values. */
  readonly level: number;
}

/** A place where the level of a series changes. */
export interface LevelChange {
  /** Of the first point of the new level. */
  readonly index: number;
  readonly before: number;
  readonly after: number;
  /** `after / before - 1`; undefined if `before` is 0. */
  readonly relative: number | undefined;
  /** For people: more is worse, unless more is the aim; undefined where neither is better. */
  readonly isWorse: boolean | undefined;
  /** What else changed between the two runs on both sides of it. */
  readonly environment: readonly EnvironmentChange[];
}

/** A new version of Xen or of dom0's kernel. */
export interface Release {
  /** Of the first point with it. */
  readonly index: number;
  readonly label: string;
}

/** A series, with what happened to it. */
export interface Trend {
  readonly series: Series;
  readonly segments: readonly Segment[];
  readonly changes: readonly LevelChange[];
  readonly releases: readonly Release[];
}

/** Where the values of a series change: indices of the first of each new kind, rising, without 0. */
export type Detect = (values: readonly number[]) => readonly number[];

/** Cuts a series where `detect` finds that it changes, and by more than comparisons take for noise; marks the releases. */
export function trendOf(series: Series, detect: Detect): Trend {
  const { points, unit, kind } = series;
  const values = points.map(({ value }) => value);
  const segments = segmentsOf(values, detect(values), LEAST_FLOOR[kind]);
  const changes = segments.slice(1).map(({ start, level }, index): LevelChange => {
    const before = segments[index]?.level ?? level;
    const [old, now] = [points[start - 1], points[start]];
    return {
      index: start,
      before,
      after: level,
      relative: before === 0 ? undefined : level / before - 1,
      isWorse: isWorse(unit, before, level),
      environment: old === undefined || now === undefined ? [] : environmentChanges(old.environment, now.environment),
    };
  });
  const releases: Release[] = [];
  for (let index = 1; index < points.length; index += 1) {
    const [before, after] = [points[index - 1]?.environment, points[index]?.environment];
    if (before === undefined || after === undefined || before === after) continue;
    const label = releaseLabel(environmentChanges(before, after));
    if (label !== undefined) releases.push({ index, label });
  }
  return { series, segments, changes, releases };
}

/** The stretches between the cuts; those on both sides of the least cut become one, until every step is large enough. */
function segmentsOf(values: readonly number[], cuts: readonly number[], least: number): Segment[] {
  const starts = [0, ...cuts];
  for (;;) {
    const segments = starts.map((start, index): Segment => {
      const end = starts[index + 1] ?? values.length;
      return { start, end, level: middleOf(values.slice(start, end)) };
    });
    const steps = segments.slice(1).map(({ level }, index) => stepOf(segments[index]?.level ?? level, level));
    const smallest = Math.min(...steps);
    if (!(smallest < least)) return segments;
    starts.splice(steps.indexOf(smallest) + 1, 1);
  }
}

function stepOf(before: number, after: number): number {
  return before === after ? 0 : before === 0 ? Number.POSITIVE_INFINITY : Math.abs(after / before - 1);
}

function isWorse(unit: Unit, before: number, after: number): boolean | undefined {
  const better = betterOf(unit);
  return better === undefined || before === after ? undefined : better === 'more' ? after < before : after > before;
}

/** The lower middle value: one that was measured. */
function middleOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[(sorted.length - 1) >> 1] ?? Number.NaN;
}
