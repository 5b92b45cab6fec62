import { LabError } from '../../src/errors.ts';
import { listRuns } from '../run/list-runs.ts';
import { readRun } from '../run/read-run.ts';
import type { Comparison } from './comparison.ts';
import { compareSets, type CompareOptions, type LabelledSet } from './compare-sets.ts';
import { NoiseHistory } from './history.ts';
import { measuredSets, type MeasuredSet, type StoredRun } from './measured-set.ts';

/** Runs that noise floors are taken from, the newest ones. */
const MOST_HISTORY = 60;

/** The runs of a side, and what the user calls them. */
export interface LabelledRuns {
  readonly label: string;
  readonly runs: readonly StoredRun[];
}

/** How runs are compared. */
export interface CompareRunsOptions extends Omit<CompareOptions, 'history'> {
  /** Where earlier runs lie, for the noise floor. */
  readonly root: string;
}

/**
 * Compares two sides: each host with itself where both sides have hosts of the same name, and otherwise the one host of
 * either side with that of the other, whatever they are called.
 *
 * @throws LabError `NOTHING_MEASURED`, `HOSTS_DIFFER`, and what {@link compareSets} throws
 */
export async function compareRuns(
  a: LabelledRuns,
  b: LabelledRuns,
  options: CompareRunsOptions,
): Promise<Comparison[]> {
  const [left, right] = [setsOf(a), setsOf(b)];
  const compared = new Set([...a.runs, ...b.runs].map(({ run }) => run.id));
  const history = new NoiseHistory(await earlierSets(options.root, compared), options.figure);
  return pairs(left, right).map(([one, other]) => compareSets(one, other, { ...options, history }));
}

function setsOf({ label, runs }: LabelledRuns): LabelledSet[] {
  const sets = measuredSets(runs).map((set) => ({ label, set }));
  if (sets.length > 0) return sets;
  throw new LabError(`${label}: nothing was measured there`, {
    blame: 'usage',
    code: 'NOTHING_MEASURED',
    next: 'ioreqlab run performance',
  });
}

function pairs(left: readonly LabelledSet[], right: readonly LabelledSet[]): [LabelledSet, LabelledSet][] {
  const sameHost = ({ set }: LabelledSet): LabelledSet[] => right.filter((other) => other.set.host === set.host);
  const found = left.flatMap((one): [LabelledSet, LabelledSet][] => {
    const others = sameHost(one);
    const other = others.find(({ set }) => set.kind === one.set.kind) ?? others[0];
    return other === undefined ? [] : [[one, other]];
  });
  const alike = found.filter(([one, other]) => one.set.kind === other.set.kind);
  if (found.length > 0) return alike.length > 0 ? alike : found;
  const [one, other] = [left[0], right[0]];
  if (left.length === 1 && right.length === 1 && one !== undefined && other !== undefined) return [[one, other]];
  const names = (sets: readonly LabelledSet[]): string => [...new Set(sets.map(({ set }) => set.host))].join(', ');
  throw new LabError(`no host is on both sides: ${names(left)} against ${names(right)}`, {
    blame: 'usage',
    code: 'HOSTS_DIFFER',
    next: 'say which host is meant: ioreqlab compare RUN@HOST RUN@HOST',
  });
}

async function earlierSets(root: string, compared: ReadonlySet<string>): Promise<MeasuredSet[]> {
  const listed = (await listRuns(root)).filter(({ id, state }) => state === 'finished' && !compared.has(id));
  const runs: StoredRun[] = [];
  for (const { directory } of listed.slice(0, MOST_HISTORY)) {
    // A broken run of long ago is no reason not to compare others.
    const run = await readRun(directory).catch(() => undefined);
    if (run !== undefined) runs.push({ run, directory });
  }
  return measuredSets(runs);
}
