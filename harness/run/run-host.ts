import { mkdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { HostRecord, Phase, RunDirectory } from '../../results/index.ts';
import type { Environment, HostEnvironment } from '../../src/agent/protocol.ts';
import { isLabError, LabError, messageOf } from '../../src/errors.ts';
import type { Bundle } from '../deploy/bundle.ts';
import { HostSession } from '../host/host-session.ts';
import type { LabHost, Machine } from '../host/lab-host.ts';
import { Relay } from '../host/relay.ts';
import { log } from '../log.ts';
import { HostFailure } from './host-failure.ts';
import { hostProblem, hostRecord } from './host-record.ts';
import type { ScenarioFile } from './select.ts';
import { verdictOf } from './verdict-of.ts';
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
  /** Which turn of the host this is, from 1: what runs is that repetition. Absent when it has only one. */
  readonly turn?: number;
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
  readonly #serialLog: string;
  readonly #phases: Phase[] = [];
  readonly #outcomes: ScenarioOutcome[] = [];
  readonly #failure: HostFailure;
  #since = performance.now();
  #environment: HostEnvironment | undefined;
  #machine: Machine | undefined;
  #wasReached = false;
  /** Outcomes are told one after the other, when it is known what they mean. */
  #telling: Promise<void> = Promise.resolve();

  constructor(options: HostRunOptions) {
    this.#options = options;
    const directory = options.run.hostDirectory(options.lab.name);
    const { shard, turn = 1 } = options;
    const part = shard > 1 ? `shard-${shard}` : turn > 1 ? `turn-${turn}` : '';
    this.#directory = join(directory, part);
    mkdirSync(this.#directory, { recursive: true });
    this.#serialLog = join(this.#directory, 'serial.log');
    this.#failure = new HostFailure(this.#serialLog, options.signal, () => {
      options.onHost(this.#record());
    });
  }

  async live(): Promise<HostRun> {
    const { lab, signal, note } = this.#options;
    try {
      const machine = await lab.start({ serialLog: this.#serialLog, signal, note });
      this.#machine = machine;
      this.#phase('start');
      this.#failure.watch(machine.died);
      await this.#work(machine);
    } catch (error) {
      await this.#fail(error);
    } finally {
      this.#failure.close();
      await this.#machine?.[Symbol.asyncDispose]();
    }
    return this.#result();
  }

  async #work(machine: Machine): Promise<void> {
    const opening = this.#open(machine);
    const relay = await Relay.open(opening);
    try {
      // The worker loads while the host is being reached.
      const scenarios = this.#runScenarios(relay.path);
      scenarios.catch(() => undefined); // told below, when the host has been reached or not
      const session = await opening.catch(async (error: unknown) => await this.#fail(error));
      try {
        await scenarios;
        if (session !== undefined && this.#failure.error === undefined) await this.#keepXenLog(session);
      } finally {
        // Ending guests in order takes seconds, and is of no use to a machine that is about to be thrown away.
        if (this.#options.lab.isDisposable) await session?.abandon();
        else await session?.[Symbol.asyncDispose]();
      }
    } finally {
      await relay[Symbol.asyncDispose]();
    }
  }

  async #open(machine: Machine): Promise<HostSession> {
    const { lab, run, bundle, signal, note } = this.#options;
    const session = await HostSession.open({
      target: machine.ssh,
      bundle,
      run: `run-${run.id.toLowerCase().replaceAll(/[^a-z0-9-]/g, '-')}`.slice(0, 40),
      guestCpus: machine.guestCpus,
      note,
      signal: AbortSignal.any([signal, this.#failure.signal]),
    });
    this.#phase('connect');
    session.onEvent((event) => {
      if (event.event === 'log') log[event.level]({ host: lab.name }, event.message);
      else log.debug({ host: lab.name, ...event });
      run.event({ ...event, type: 'agent', host: lab.name });
    });
    void session.lost.then(async (error) => {
      if (error === undefined) return;
      await this.#fail(this.#lost('HOST_LOST', `the connection to ${lab.name} was lost: ${error.message}`));
    });
    // Nobody answers any more, and whoever waits for it shall know.
    this.#failure.signal.addEventListener('abort', () => void session.abandon(), { once: true });
    await this.#reached(session);
    return session;
  }

  async #runScenarios(relay: string): Promise<void> {
    const { lab, run, scenarios, files, environments, retries, repeat, turn, signal } = this.#options;
    await runScenarios({
      context: {
        host: { name: lab.name, kind: lab.kind, timing: lab.timing },
        relay,
        directory: run.directory,
        scenarios,
        repeat,
        ...(turn === undefined ? {} : { turn }),
        ...(environments === undefined ? {} : { environments }),
        ...(lab.mayCrash ? {} : { mostHarm: 'guest' }),
      },
      files,
      retries,
      signal: AbortSignal.any([signal, this.#failure.signal]),
      onOutcome: (outcome) => {
        this.#telling = this.#telling.then(async () => this.#tell(await this.#judge(outcome)));
      },
    });
    await this.#telling;
  }

  #tell(outcome: ScenarioOutcome): void {
    this.#outcomes.push(outcome);
    this.#options.onOutcome(outcome);
  }

  /**
   * What a broken or interrupted host left undone is not run, rather than skipped or failed. What was running when the
   * host broke has its error, or its crash.
   */
  async #judge(outcome: ScenarioOutcome): Promise<ScenarioOutcome> {
    const { signal } = this.#options;
    const { error, ...rest } = outcome;
    const isLost = error?.code === 'AGENT_LOST';
    if (isLost && this.#wasReached) await this.#fail(this.#lost('AGENT_LOST', error.message));
    else if (this.#failure.error !== undefined) await this.#failure.report(this.#failure.error);
    const isCut = isLost || (outcome.verdict === 'skip' && outcome.startedAt !== undefined);
    const isUndone = outcome.verdict === 'skip' && outcome.reason === undefined;
    const failure = this.#failure.error;
    if (failure !== undefined && this.#wasReached && isCut) {
      const problem = hostProblem(failure);
      return { ...rest, attempts: Math.max(1, rest.attempts), ...verdictOf(problem), error: problem };
    }
    if (failure !== undefined && (isUndone || error?.blame === 'host')) return this.#notRun(rest, failure.message);
    if (signal.aborted && (isUndone || isCut)) return this.#notRun(rest, messageOf(signal.reason));
    return outcome;
  }

  #notRun(outcome: Omit<ScenarioOutcome, 'verdict' | 'error'>, reason: string): ScenarioOutcome {
    const { crashed: _crashed, ...rest } = outcome;
    return { ...rest, verdict: 'notRun', attempts: 0, reason };
  }

  #lost(code: string, message: string): LabError {
    const next = `see whether it still works: ioreqlab host check ${this.#options.lab.name}`;
    const { isDisposable } = this.#options.lab;
    return new LabError(message, { blame: 'host', code, next: isDisposable ? `look at ${this.#directory}` : next });
  }

  /** The host is of no more use: no further scenario starts. */
  async #fail(error: unknown): Promise<undefined> {
    await this.#failure.report(asHostError(error));
  }

  async #reached(session: HostSession): Promise<void> {
    this.#wasReached = true;
    this.#environment = session.environment;
    const { guestCpus, facts } = this.#machine ?? {};
    const long = { ...session.environment, machine: { guestCpus, ...facts } };
    await writeFile(join(this.#directory, 'env.json'), `${JSON.stringify(long, null, 2)}\n`);
    this.#options.onHost(this.#record());
    // Nearly every scenario wants it; by the time the worker has loaded, it is there. Where all is timed, guests are alone.
    const { environments, files } = this.#options;
    if (environments?.includes('hvm') !== false && files.some(({ id }) => !id.startsWith('performance/'))) {
      void session.guests.acquire('hvm').catch(() => undefined);
    }
  }

  async #keepXenLog(session: HostSession): Promise<void> {
    await writeFile(join(this.#directory, 'xen.log'), await session.xenLog());
  }

  #phase(name: string): void {
    const now = performance.now();
    this.#phases.push({ name, durationMs: Math.round(now - this.#since) });
    this.#since = now;
  }

  #result(): HostRun {
    const { lab, files, signal } = this.#options;
    const told = new Set(this.#outcomes.map(({ id }) => id));
    const reason = this.#failure.error?.message ?? (signal.aborted ? messageOf(signal.reason) : undefined);
    if (reason !== undefined) {
      for (const { id } of files.filter((file) => !told.has(file.id))) {
        this.#tell(
          this.#notRun({ ...{ id, host: lab.name, params: {}, durationMs: 0, attempts: 0, metrics: [] } }, reason),
        );
      }
    }
    return { record: this.#record(), outcomes: this.#outcomes };
  }

  #record(): HostRecord {
    const { error } = this.#failure;
    return hostRecord(this.#options.lab, {
      ...{ phases: this.#phases, environment: this.#environment, machine: this.#machine, error },
    });
  }
}

function asHostError(error: unknown): LabError {
  if (isLabError(error)) return error;
  return new LabError(messageOf(error), { blame: 'harness', code: 'INTERNAL', cause: error });
}
