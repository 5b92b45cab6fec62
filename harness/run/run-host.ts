import { mkdirSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { HostRecord, Phase, Problem, RunDirectory } from '../../results/index.ts';
import type { Environment, HostEnvironment } from '../../src/agent/protocol.ts';
import { isLabError, LabError, messageOf } from '../../src/errors.ts';
import type { Bundle } from '../deploy/bundle.ts';
import { findCrash } from '../host/crash-signatures.ts';
import { HostSession } from '../host/host-session.ts';
import type { LabHost, Machine } from '../host/lab-host.ts';
import { Relay } from '../host/relay.ts';
import { log } from '../log.ts';
import type { ScenarioFile } from './select.ts';
import { problemOf, verdictOf } from './verdict-of.ts';
import { runScenarios, type ScenarioOutcome } from './vitest-run.ts';

/** What a run wants of a host. */
export interface HostRunOptions {
  readonly lab: LabHost;
  /** Which of the host's machines this is, from 1. */
  readonly shard: number;
  readonly run: RunDirectory;
  readonly bundle: Bundle;
  readonly scenarios: string;
  readonly files: readonly ScenarioFile[];
  readonly environments?: readonly Environment[];
  readonly retries: number;
  readonly repeat: number;
  readonly onHost: (record: HostRecord) => void;
  readonly onOutcome: (outcome: ScenarioOutcome) => void;
  readonly note: (text: string) => void;
  readonly signal: AbortSignal;
}

/** What became of it. */
export interface HostRun {
  readonly record: HostRecord;
  readonly outcomes: readonly ScenarioOutcome[];
}

/** The life of one host in a run: up, connected, scenarios, logs, down. Never throws for what is the host's fault. */
export async function runHost(options: HostRunOptions): Promise<HostRun> {
  return await new HostLife(options).live();
}

class HostLife {
  readonly #options: HostRunOptions;
  readonly #directory: string;
  readonly #phases: Phase[] = [];
  readonly #outcomes: ScenarioOutcome[] = [];
  readonly #broken = new AbortController();
  #since = performance.now();
  #environment: HostEnvironment | undefined;
  #error: LabError | undefined;
  #wasReached = false;
  #isOver = false;

  constructor(options: HostRunOptions) {
    this.#options = options;
    const directory = options.run.hostDirectory(options.lab.name);
    this.#directory = options.shard === 1 ? directory : join(directory, `shard-${options.shard}`);
    mkdirSync(this.#directory, { recursive: true });
  }

  async live(): Promise<HostRun> {
    const { lab, signal, note } = this.#options;
    let machine: Machine | undefined;
    try {
      const serialLog = join(this.#directory, 'serial.log');
      machine = await lab.start({ serialLog, signal, note });
      this.#phase('start');
      void machine.died.then((error) => this.#break(error));
      await this.#work(machine);
    } catch (error) {
      if (!signal.aborted) await this.#break(asHostError(error));
    } finally {
      this.#isOver = true;
      await machine?.[Symbol.asyncDispose]();
    }
    return await this.#result();
  }

  async #work(machine: Machine): Promise<void> {
    const { lab, run, bundle, signal, note } = this.#options;
    const opening = (async () => {
      const session = await HostSession.open({
        target: machine.ssh,
        bundle,
        run: `run-${run.id.toLowerCase().replaceAll(/[^a-z0-9-]/g, '-')}`.slice(0, 40),
        guestCpus: machine.guestCpus,
        note,
        signal: AbortSignal.any([signal, this.#broken.signal]),
      });
      this.#phase('connect');
      session.onEvent((event) => {
        if (event.event === 'log') log[event.level]({ host: lab.name }, event.message);
        else log.debug({ host: lab.name, ...event });
        run.event({ ...event, type: 'agent', host: lab.name });
      });
      await this.#reached(session);
      return session;
    })();
    const relay = await Relay.open(opening);
    try {
      // The worker loads while the host is being reached.
      const scenarios = this.#runScenarios(relay.path);
      scenarios.catch(() => undefined); // told below, when the host has been reached or not
      const session = await opening.catch(async (error: unknown) => {
        if (!signal.aborted) await this.#break(asHostError(error));
        return undefined;
      });
      void session?.lost.then((error) => {
        if (error !== undefined) {
          return this.#break(
            new LabError(`the connection to ${lab.name} was lost: ${error.message}`, {
              blame: 'host',
              code: 'HOST_LOST',
              next: `look at ${this.#directory}`,
            }),
          );
        }
        return undefined;
      });
      await scenarios;
      if (session !== undefined) {
        if (this.#error === undefined) await this.#keepXenLog(session);
        // Ending guests in order takes seconds, and is of no use to a machine that is about to be thrown away.
        if (lab.isDisposable) await session.abandon();
        else await session[Symbol.asyncDispose]();
      }
    } finally {
      await relay[Symbol.asyncDispose]();
    }
  }

  async #runScenarios(relay: string): Promise<void> {
    const { lab, run, scenarios, files, environments, retries, repeat, signal, onOutcome } = this.#options;
    await runScenarios({
      context: {
        host: { name: lab.name, kind: lab.kind, timing: lab.timing },
        relay,
        directory: run.directory,
        scenarios,
        repeat,
        ...(environments === undefined ? {} : { environments }),
      },
      files,
      retries,
      signal: AbortSignal.any([signal, this.#broken.signal]),
      onOutcome: (outcome) => {
        const told = this.#judge(outcome);
        this.#outcomes.push(told);
        onOutcome(told);
      },
    });
  }

  /** What a broken or interrupted host left undone is not run, rather than skipped or failed. */
  #judge(outcome: ScenarioOutcome): ScenarioOutcome {
    const { signal } = this.#options;
    const isCut = signal.aborted || this.#broken.signal.aborted;
    const reason = this.#error?.message ?? 'the run was interrupted';
    const { error: _error, ...rest } = outcome;
    if (outcome.verdict === 'skip' && isCut) return { ...rest, verdict: 'notRun', reason };
    if (outcome.verdict === 'error' && outcome.error?.blame === 'host' && !this.#wasReached) {
      return { ...rest, verdict: 'notRun', attempts: 0, reason: outcome.error.message };
    }
    return outcome;
  }

  async #reached(session: HostSession): Promise<void> {
    this.#wasReached = true;
    this.#environment = session.environment;
    await writeFile(join(this.#directory, 'env.json'), `${JSON.stringify(session.environment, null, 2)}\n`);
    this.#options.onHost(this.#record());
    // Nearly every scenario wants it; by the time the worker has loaded, it is there.
    if (this.#options.environments?.includes('hvm') !== false) {
      void session.guests.acquire('hvm').catch(() => undefined);
    }
  }

  async #keepXenLog(session: HostSession): Promise<void> {
    await writeFile(join(this.#directory, 'xen.log'), await session.xenLog());
  }

  /** The host is of no more use: no further scenario starts, and the reason is looked for on the console. */
  async #break(error: LabError): Promise<void> {
    if (this.#error !== undefined || this.#isOver || this.#options.signal.aborted) return;
    this.#error = error;
    this.#broken.abort(error);
    const console = await readFile(join(this.#directory, 'serial.log'), 'utf8').catch(() => '');
    const crash = findCrash(console);
    if (crash !== undefined) {
      this.#error = new LabError(`${this.#options.lab.name}: ${crash.crashed} crashed: ${crash.line}`, {
        blame: 'host',
        code: crash.crashed === 'xen' ? 'XEN_CRASHED' : 'DOM0_CRASHED',
        next: `look at ${join(this.#directory, 'serial.log')}`,
        cause: error,
      });
    }
  }

  #phase(name: string): void {
    const now = performance.now();
    this.#phases.push({ name, durationMs: Math.round(now - this.#since) });
    this.#since = now;
  }

  async #result(): Promise<HostRun> {
    const { lab, files, onOutcome } = this.#options;
    const told = new Set(this.#outcomes.map(({ id }) => id));
    if (this.#error !== undefined || this.#options.signal.aborted) {
      for (const { id } of files.filter((file) => !told.has(file.id))) {
        const reason = this.#error?.message ?? 'the run was interrupted';
        const outcome: ScenarioOutcome = {
          ...{ id, host: lab.name, params: {}, verdict: 'notRun', reason, durationMs: 0, attempts: 0, metrics: [] },
        };
        this.#outcomes.push(outcome);
        onOutcome(outcome);
      }
    }
    return { record: this.#record(), outcomes: this.#outcomes };
  }

  #record(): HostRecord {
    const { lab } = this.#options;
    const environment = this.#environment;
    const error = this.#error === undefined ? undefined : toProblem(this.#error);
    const crashed = error === undefined ? undefined : verdictOf(error).crashed;
    return {
      name: lab.name,
      kind: lab.kind,
      timing: lab.timing,
      phases: this.#phases,
      ...(environment === undefined ? {} : describe(environment)),
      ...(error === undefined ? {} : { error }),
      ...(crashed === 'xen' || crashed === 'dom0' ? { crashed } : {}),
    };
  }
}

function toProblem(error: LabError): Problem {
  const { blame, code, message, next, evidence, stack } = error;
  return problemOf({ blame, code, message, next, evidence, stack: blame === 'harness' ? stack : undefined });
}

function asHostError(error: unknown): LabError {
  if (isLabError(error)) return error;
  return new LabError(messageOf(error), { blame: 'harness', code: 'INTERNAL', cause: error });
}

function describe({ xen, kernel, os, node, cpu }: HostEnvironment): Pick<HostRecord, 'xen' | 'dom0' | 'env'> {
  const known = (key: string): string | undefined => (xen[key] === '' ? undefined : xen[key]);
  const changeset = known('xen_changeset');
  const buildId = known('build_id');
  const commandLine = known('xen_commandline');
  return {
    xen: {
      version: known('xen_version') ?? 'unknown',
      ...(changeset === undefined ? {} : { changeset }),
      ...(buildId === undefined ? {} : { buildId }),
      ...(commandLine === undefined ? {} : { commandLine }),
    },
    dom0: { kernel },
    env: {
      os,
      node,
      cpu,
      scheduler: known('xen_scheduler') ?? 'unknown',
      processors: Number(known('nr_cpus') ?? 0),
      capabilities: known('virt_caps') ?? '',
      compiler: known('cc_compiler') ?? '',
    },
  };
}
