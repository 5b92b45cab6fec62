import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import {
  createRun,
  type Ended,
  type FinishedRecords,
  type HostRecord,
  type RunDirectory,
} from '../../results/index.ts';
import type { Environment } from '../../src/agent/protocol.ts';
import { buildBundle, type Bundle } from '../deploy/bundle.ts';
import { version } from '../entry-points.ts';
import type { LabHost } from '../host/lab-host.ts';
import type { ModelHost } from '../host/model/model-host.ts';
import { repository } from '../repository.ts';
import { runHost, type HostRun } from './run-host.ts';
import { runModelHost } from './run-model-host.ts';
import type { ScenarioFile } from './select.ts';
import { lastDurations, splitFiles } from './shards.ts';
import type { ScenarioOutcome } from './vitest-run.ts';

/** More machines at once than this only slow each other down: each emulated one takes a processor. */
const machinesAtOnce = 2;
/** What the first machine, which has the longest way to go, gets to itself: reaching a host is work for both processors. */
const headStartMs = 4_000;

/** Who wants to know how a run goes. */
export interface RunListener {
  started(run: { readonly id: string; readonly directory: string }): void;
  /** A host has been reached, or has failed: then with its error. */
  host(record: HostRecord): void;
  scenario(outcome: ScenarioOutcome): void;
  /** What is being done on a host. */
  note(host: string, text: string): void;
}

/** A machine with Xen, or the model of Xen. */
export type AnyHost = LabHost | ModelHost;

/** One call of `ioreqlab run`. */
export interface RunOptions {
  readonly hosts: readonly AnyHost[];
  /** The directory of scenarios, and the selected files. */
  readonly scenarios: string;
  readonly files: readonly ScenarioFile[];
  readonly environments?: readonly Environment[];
  readonly retries: number;
  readonly repeat: number;
  /**
   * Repeats by turns: each turn is a start of the host of its own, with new guests and device models, in blocks of A B B A, so
   * that what drifts hits all hosts alike. Without it every host repeats each scenario before it goes on to the next.
   */
  readonly byTurns?: boolean;
  /** Directory of all runs. */
  readonly root: string;
  readonly command: readonly string[];
  readonly listener: RunListener;
  /** Aborted with an {@link EndReason} to cut the run short. */
  readonly signal: AbortSignal;
}

/** Why a run was cut short: the reason of its signal. */
export class EndReason extends Error {
  readonly ended: Ended;

  constructor(ended: Ended) {
    super(ended === 'outOfTime' ? 'the time for the run is over' : 'the run was interrupted');
    this.ended = ended;
  }
}

/**
 * The life of one run. Whatever happens on the hosts, it ends with a complete record.
 *
 * @throws LabError when there is nothing to bring to a host, or nowhere to write to
 */
export async function runLab(options: RunOptions): Promise<FinishedRecords> {
  const { hosts, root, command, listener, scenarios, signal } = options;
  // First, since without it no machine is of use: then there is no run.
  const needsBundle = hosts.some(({ kind }) => kind !== 'model');
  const bundle = needsBundle ? await buildBundle([`${repository}/src/device`, scenarios]) : undefined;
  const run = await createRun({ root, command });
  try {
    listener.started(run);
    const parts = await planParts(options);
    const waiting = [...parts];
    const done = new Map<HostPart, HostRun>();
    await Promise.all(
      Array.from({ length: Math.min(machinesFor(options), parts.length) }, async (_, machine) => {
        if (machine > 0 && needsBundle) await sleep(headStartMs, undefined, { signal }).catch(() => undefined);
        for (let part = waiting.shift(); part !== undefined; part = waiting.shift()) {
          done.set(part, await runPart(part, run, bundle, options));
        }
      }),
    );
    const runs = parts.flatMap((part) => done.get(part) ?? []);
    const commit = await currentCommit();
    return await run.finish({
      hosts: hosts.flatMap(({ name }) => mergeRecords(runs.filter(({ record }) => record.name === name))),
      scenarios: runs.flatMap(({ outcomes }) => outcomes).sort(byIdAndHost(hosts)),
      ...(signal.aborted ? { ended: signal.reason instanceof EndReason ? signal.reason.ended : 'interrupted' } : {}),
      ioreqlab: { version, ...(commit === undefined ? {} : { commit }) },
    });
  } finally {
    run[Symbol.dispose]();
  }
}

/** Scenarios for one machine. An emulated host can be several machines at once, since all are the same. */
interface HostPart {
  readonly lab: AnyHost;
  /** From 1. */
  readonly shard: number;
  /** From 1; absent unless the hosts take turns. */
  readonly turn?: number;
  readonly files: readonly ScenarioFile[];
}

/** Instructions do not care who else is busy, clocks do; and a host that is not made for the run is there once. */
function machinesFor({ hosts, byTurns = false }: RunOptions): number {
  const isAlone =
    byTurns && hosts.some((host) => host.kind !== 'model' && (!host.isDisposable || host.timing === 'wall'));
  return isAlone ? 1 : machinesAtOnce;
}

/** A B C, then C B A, and so on. */
export function turnsOf<T>(hosts: readonly T[], turns: number): { lab: T; turn: number }[] {
  return Array.from({ length: turns }, (_, i) => i + 1).flatMap((turn) =>
    (turn % 2 === 1 ? hosts : hosts.toReversed()).map((lab) => ({ lab, turn })),
  );
}

async function planParts({ hosts, files, root, repeat, byTurns = false }: RunOptions): Promise<HostPart[]> {
  if (files.length === 0) return [];
  if (byTurns) return turnsOf(hosts, repeat).map((part) => ({ ...part, shard: 1, files }));
  const shards = Math.max(1, Math.floor(machinesAtOnce / hosts.length));
  const durations = shards > 1 ? await lastDurations(root) : new Map<string, number>();
  return hosts.flatMap((lab) =>
    splitFiles(files, lab.kind !== 'model' && lab.isDisposable ? shards : 1, durations).map((part, i) => ({
      lab,
      shard: i + 1,
      files: part,
    })),
  );
}

async function runPart(
  { lab, shard, turn, files }: HostPart,
  run: RunDirectory,
  bundle: Bundle | undefined,
  options: RunOptions,
): Promise<HostRun> {
  const { listener } = options;
  const label = turn !== undefined ? `${lab.name} #${turn}` : shard === 1 ? lab.name : `${lab.name} (${shard})`;
  const turnOptions = turn === undefined ? {} : { turn, repeat: 1 };
  const told = {
    onHost: (record: HostRecord) => {
      run.event({ type: 'host', shard, ...(turn === undefined ? {} : { turn }), ...record });
      if ((shard === 1 && (turn ?? 1) === 1) || record.error !== undefined) listener.host(record);
    },
    onOutcome: (outcome: ScenarioOutcome) => {
      run.event({ type: 'scenario', ...outcome });
      listener.scenario(outcome);
    },
    note: (text: string) => {
      run.event({ type: 'note', host: label, text });
      listener.note(label, text);
    },
  };
  if (lab.kind === 'model') return await runModelHost({ ...options, ...told, ...turnOptions, lab, files, run });
  if (bundle === undefined) throw new Error('unreachable: a machine without a bundle');
  return await runHost({ ...options, ...told, ...turnOptions, ...{ lab, shard, files, run, bundle } });
}

/** One record for all machines of a host, if it had any to do: what went wrong on any of them counts. */
function mergeRecords(runs: readonly HostRun[]): HostRecord[] {
  const records = runs.map(({ record }) => record);
  const [first] = records;
  if (first === undefined) return [];
  const broken = records.find(({ error }) => error !== undefined);
  const reached = records.find(({ xen }) => xen !== undefined) ?? first;
  return [
    {
      ...reached,
      ...(broken?.error === undefined ? {} : { error: broken.error }),
      ...(broken?.crashed === undefined ? {} : { crashed: broken.crashed }),
    },
  ];
}

function byIdAndHost(hosts: readonly AnyHost[]): (a: ScenarioOutcome, b: ScenarioOutcome) => number {
  const order = (name: string): number => hosts.findIndex((host) => host.name === name);
  return (a, b) => (a.id === b.id ? order(a.host) - order(b.host) : a.id < b.id ? -1 : 1);
}

async function currentCommit(): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)('git', ['describe', '--always', '--dirty', '--abbrev=12'], {
      cwd: repository,
    });
    return stdout.trim() || undefined;
  } catch {
    return undefined; // an installed package is no checkout
  }
}
