import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import {
  createRun,
  type Ended,
  type FinishedRecords,
  type HostRecord,
  type RunDirectory,
} from '../../results/index.ts';
import type { Environment } from '../../src/agent/protocol.ts';
import { buildBundle } from '../deploy/bundle.ts';
import { version } from '../entry-points.ts';
import type { LabHost } from '../host/lab-host.ts';
import { repository } from '../repository.ts';
import { runHost, type HostRun } from './run-host.ts';
import type { ScenarioFile } from './select.ts';
import type { ScenarioOutcome } from './vitest-run.ts';

/** More hosts at once than this only slow each other down: each emulated one takes a processor. */
const hostsAtOnce = 2;

/** Who wants to know how a run goes. */
export interface RunListener {
  started(run: { readonly id: string; readonly directory: string }): void;
  host(record: HostRecord): void;
  scenario(outcome: ScenarioOutcome): void;
  /** What is being done on a host. */
  note(host: string, text: string): void;
}

/** One call of `ioreqlab run`. */
export interface RunOptions {
  readonly hosts: readonly LabHost[];
  /** The directory of scenarios, and the selected files. */
  readonly scenarios: string;
  readonly files: readonly ScenarioFile[];
  readonly environments?: readonly Environment[];
  readonly tags: readonly string[];
  readonly retries: number;
  readonly repeat: number;
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

/** The life of one run. Whatever happens on the hosts, it ends with a complete record. */
export async function runLab(options: RunOptions): Promise<FinishedRecords> {
  const { hosts, root, command, listener, scenarios, signal } = options;
  const run = await createRun({ root, command });
  try {
    listener.started(run);
    const bundle = buildBundle([`${repository}/src/device`, scenarios]);
    bundle.catch(() => undefined); // told by each host
    const waiting = [...hosts];
    const done: HostRun[] = [];
    await Promise.all(
      Array.from({ length: Math.min(hostsAtOnce, hosts.length) }, async () => {
        for (let lab = waiting.shift(); lab !== undefined; lab = waiting.shift()) {
          done.push(await runOne(lab, run, bundle, options));
        }
      }),
    );
    const order = (name: string): number => hosts.findIndex((host) => host.name === name);
    done.sort((a, b) => order(a.record.name) - order(b.record.name));
    const commit = await currentCommit();
    return await run.finish({
      hosts: done.map(({ record }) => record),
      scenarios: done.flatMap(({ outcomes }) => outcomes),
      ...(signal.aborted ? { ended: signal.reason instanceof EndReason ? signal.reason.ended : 'interrupted' } : {}),
      ioreqlab: { version, ...(commit === undefined ? {} : { commit }) },
    });
  } finally {
    run[Symbol.dispose]();
  }
}

async function runOne(
  lab: LabHost,
  run: RunDirectory,
  bundle: ReturnType<typeof buildBundle>,
  options: RunOptions,
): Promise<HostRun> {
  const { listener } = options;
  return await runHost({
    ...options,
    lab,
    run,
    bundle,
    onHost: (record) => {
      run.event({ type: 'host', ...record });
      listener.host(record);
    },
    onOutcome: (outcome) => {
      run.event({ type: 'scenario', ...outcome });
      listener.scenario(outcome);
    },
    note: (text) => {
      run.event({ type: 'note', host: lab.name, text });
      listener.note(lab.name, text);
    },
  });
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
