import { LabError } from '../../src/errors.ts';
import { holm } from '../stats/adjust.ts';
import { jointPermutation } from '../stats/joint-permutation.ts';
import { medianInterval } from '../stats/median-interval.ts';
import { mannWhitney } from '../stats/rank-sum.ts';
import { runsToDecide } from '../stats/runs-to-decide.ts';
import { betterOf } from '../unit-direction.ts';
import {
  CHANGE_VERDICTS,
  type ChangeVerdict,
  type Comparison,
  type Figure,
  type Measurement,
  type MetricComparison,
  type MetricSide,
  type Side,
} from './comparison.ts';
import { environmentDifferences, processorOf } from './environment.ts';
import { LEAST_FLOOR, type NoiseHistory } from './history.ts';
import type { MeasuredSet, MetricKey } from './measured-set.ts';
import { relativeChange, relativeDeviation, relativeSpread } from './relative-change.ts';

/** How sets are compared. */
export interface CompareOptions {
  readonly figure: Figure;
  readonly alpha: number;
  readonly confidence: number;
  /** The least noise floor; by the kind of time when it is not given. */
  readonly leastFloor?: number | undefined;
  readonly history: NoiseHistory;
  /** Compares what was measured on different processors. */
  readonly force: boolean;
}

/** A set and what the user calls it. */
export interface LabelledSet {
  readonly label: string;
  readonly set: MeasuredSet;
}

/** A metric on both sides, before it is judged. */
interface Candidate extends Omit<MetricComparison, 'holm' | 'adjusted' | 'p' | 'verdict' | 'moreRuns'> {
  /** Whether its values differ by more than the floor at all, whichever side they are on. */
  readonly isTested: boolean;
}

/**
 * Compares two sets, metric by metric.
 *
 * A metric all of whose values lie within the noise floor is the `same` without a test, and does not count as one of several:
 * however its runs were parted, the change would be noise. So the chance of a false alarm stays what it is
 * (Bourgon, Gentleman and Huber, PNAS 107, 2010, 9546-9551: a filter that does not see the sides), and in exact timing, where most
 * things do not change at all, few runs can decide.
 *
 * @throws LabError `TIMINGS_DIFFER`; `PROCESSORS_DIFFER` without `force`; `NOTHING_IN_COMMON`
 */
export function compareSets(a: LabelledSet, b: LabelledSet, options: CompareOptions): Comparison {
  const { figure, alpha, confidence, force } = options;
  const [left, right] = [a.set, b.set];
  if (left.kind !== right.kind) throw timingsDiffer(a, b);
  const warnings = [...processorWarnings(a, b, force), ...sharedWarnings(a, b)];
  const shared = [...left.metrics].filter(([text]) => right.metrics.has(text));
  if (shared.length === 0) throw nothingInCommon(a, b);
  const candidates = shared.map(([text, { key }]) => candidateOf(text, key, left, right, options));
  const metrics = judge(candidates, left, right, options);
  const only = (one: MeasuredSet, other: MeasuredSet): string[] =>
    [...one.metrics].filter(([text]) => !other.metrics.has(text)).map(([, { key }]) => nameOf(key));
  return {
    ...{ schema: 1, kind: left.kind, figure, alpha, confidence },
    ...{ a: sideOf(a), b: sideOf(b) },
    environment: environmentDifferences(left.environments, right.environments),
    metrics,
    unmatched: { a: only(left, right), b: only(right, left) },
    warnings,
    counts: countsOf(metrics),
  };
}

/** `performance/ladder ladder.ts`, with the variant between. */
export function nameOf({ scenario, variant, metric }: Pick<MetricKey, 'scenario' | 'variant' | 'metric'>): string {
  return [scenario, variant, metric].filter((text) => text !== '').join(' ');
}

function candidateOf(
  text: string,
  key: MetricKey,
  left: MeasuredSet,
  right: MeasuredSet,
  { figure, confidence, leastFloor = LEAST_FLOOR[left.kind], history }: CompareOptions,
): Candidate {
  const [a, b] = [metricSide(text, left, figure, confidence), metricSide(text, right, figure, confidence)];
  const floor = history.floorOf([left.host, right.host], left.kind, text, leastFloor);
  return {
    ...key,
    better: betterOf(key.unit),
    ...{ a, b, floor },
    change: relativeChange(a.values, b.values, confidence),
    isTested: relativeSpread([...a.values, ...b.values]) > floor.value,
  };
}

function metricSide(text: string, set: MeasuredSet, figure: Figure, confidence: number): MetricSide {
  const found = (set.metrics.get(text)?.values ?? []).flatMap((metric, index) =>
    metric === undefined ? [] : [{ value: metric[figure], n: metric.n, index }],
  );
  const values = found.map(({ value }) => value);
  return {
    values,
    measurements: found.map(({ index }) => index),
    median: medianInterval(values, confidence),
    samples: found.reduce((sum, { n }) => sum + n, 0),
  };
}

function judge(
  candidates: readonly Candidate[],
  left: MeasuredSet,
  right: MeasuredSet,
  options: CompareOptions,
): MetricComparison[] {
  const tested = candidates.filter(({ isTested }) => isTested);
  // Whole measurements change sides, so only metrics of the same ones can be tested together. Several such groups share the
  // level as Bonferroni has it.
  const groups = new Map<string, Candidate[]>();
  for (const one of tested) {
    const group = JSON.stringify([one.a.measurements, one.b.measurements]);
    groups.set(group, [...(groups.get(group) ?? []), one]);
  }
  const results = new Map<Candidate, { p: number; adjusted: number }>();
  for (const group of groups.values()) {
    const rows = group.map(({ a, b }) => [...a.values, ...b.values]);
    const { ps, adjusted } = jointPermutation(rows, group[0]?.a.values.length ?? 0);
    for (const [i, one] of group.entries()) {
      results.set(one, { p: ps[i] ?? 1, adjusted: Math.min(1, (adjusted[i] ?? 1) * groups.size) });
    }
  }
  const corrected = holm(tested.map((one) => results.get(one)?.p ?? 1));
  return candidates.map(({ isTested: _isTested, ...one }, index) => {
    const candidate = candidates[index] as Candidate;
    const result = results.get(candidate);
    const adjusted = result?.adjusted;
    const verdict = verdictOf(one, adjusted, options.alpha);
    return {
      ...one,
      p: result?.p ?? mannWhitney(one.a.values, one.b.values).p,
      holm: result === undefined ? undefined : Math.min(1, corrected[tested.indexOf(candidate)] ?? 1),
      adjusted,
      verdict,
      ...(verdict === 'undecided' ? { moreRuns: moreRuns(one, hypothesesOf(result), left, right, options) } : {}),
    };
  });
}

/** As how many independent metrics those that were tested together count: what the correction made of p. */
function hypothesesOf(result: { p: number; adjusted: number } | undefined): number {
  return result === undefined ? 1 : Math.max(1, result.adjusted / result.p);
}

function verdictOf(
  { change, floor, better }: Omit<Candidate, 'isTested'>,
  adjusted: number | undefined,
  alpha: number,
): ChangeVerdict {
  if (adjusted === undefined) return 'same';
  // As much less is as far as this: 1/(1 + floor) - 1.
  const below = -floor.value / (1 + floor.value);
  if (change.low >= below && change.high <= floor.value) return 'same';
  if (adjusted > alpha) return 'undecided';
  const direction = change.low > floor.value ? 'more' : change.high < below ? 'less' : undefined;
  if (direction === undefined) return 'undecided';
  if (better === undefined) return 'changed';
  return direction === better ? 'better' : 'worse';
}

function moreRuns(
  { a, b, change, floor }: Omit<Candidate, 'isTested'>,
  hypotheses: number,
  left: MeasuredSet,
  right: MeasuredSet,
  { alpha, confidence }: CompareOptions,
): number | undefined {
  const needed = runsToDecide({
    ...{ alpha, confidence, hypotheses },
    deviation: relativeDeviation(a.values, b.values),
    change: change.estimate > -1 ? Math.log1p(change.estimate) : change.estimate,
    floor: Math.log1p(floor.value),
  });
  const have = Math.min(left.measurements.length, right.measurements.length);
  return needed === undefined ? undefined : Math.max(1, needed - have);
}

function sideOf({ label, set: { host, measurements, hosts } }: LabelledSet): Side {
  const xen = [...new Set(hosts.flatMap((one) => one.xen?.version ?? []))];
  return { label, host, xen, measurements };
}

function countsOf(metrics: readonly MetricComparison[]): Record<ChangeVerdict, number> {
  const counts = Object.fromEntries(CHANGE_VERDICTS.map((verdict) => [verdict, 0])) as Record<ChangeVerdict, number>;
  for (const { verdict } of metrics) counts[verdict] += 1;
  return counts;
}

function processorWarnings(a: LabelledSet, b: LabelledSet, force: boolean): string[] {
  const processors = [a, b].map(({ set }) => new Set(set.environments.map((one) => processorOf(one) ?? 'unknown')));
  const all = new Set(processors.flatMap((one) => [...one]));
  if (all.size <= 1) return [];
  const message = `not all was measured on the same processor: ${[...all].join('; ')}`;
  if (force) return [message];
  throw new LabError(message, {
    blame: 'usage',
    code: 'PROCESSORS_DIFFER',
    next: 'compare runs of one processor, or take the difference into account yourself: --force',
  });
}

function sharedWarnings(a: LabelledSet, b: LabelledSet): string[] {
  const keyOf = ({ run, repetition }: Measurement): string => JSON.stringify([run, repetition]);
  const left = new Set(a.set.host === b.set.host ? a.set.measurements.map(keyOf) : []);
  const shared = b.set.measurements.filter((one) => left.has(keyOf(one))).length;
  return shared === 0 ? [] : [`${shared} of the measurements are on both sides`];
}

function timingsDiffer(a: LabelledSet, b: LabelledSet): LabError {
  const text = [a, b].map(({ label, set }) => `${label} is in ${set.kind} timing`).join(', ');
  return new LabError(`${text}: instructions and time have no common measure`, {
    blame: 'usage',
    code: 'TIMINGS_DIFFER',
    next: 'compare runs of one kind of time: ioreqlab show --list, --timing of ioreqlab run',
  });
}

function nothingInCommon(a: LabelledSet, b: LabelledSet): LabError {
  return new LabError(`${a.label} and ${b.label} have no metric in common`, {
    blame: 'usage',
    code: 'NOTHING_IN_COMMON',
    next: 'run the same scenarios for both: ioreqlab run performance',
  });
}
