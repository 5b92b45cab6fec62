import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentEvent, Environment } from '../../src/agent/protocol.ts';
import { isLabError } from '../../src/errors.ts';
import { buildBundle } from '../deploy/bundle.ts';
import { HostSession } from '../host/host-session.ts';
import type { LabHost, Machine, MachineOptions } from '../host/lab-host.ts';
import { SshConnection } from '../host/ssh/ssh-connection.ts';
import { log } from '../log.ts';
import { repository } from '../repository.ts';
import { dom0State, growth, xenComplaints, type Dom0State } from './dom0-state.ts';
import { Killer } from './killer.ts';
import { Random } from './random.ts';
import { SoakGuest } from './soak-guest.ts';

/** When a process is killed. `mortal`: while it serves, and it is not to be replaced. */
export type Moment = 'serving' | 'recovering' | 'attaching' | 'closing' | 'idle' | 'setUp' | 'mortal';

const moments: readonly (readonly [weight: number, moment: Moment])[] = [
  [55, 'serving'],
  [20, 'recovering'],
  [10, 'attaching'],
  [8, 'closing'],
  [4, 'idle'],
  [3, 'setUp'],
  [2, 'mortal'],
];

/** What a soak of kills found. */
export interface KillReport {
  readonly seed: number;
  readonly kills: number;
  readonly byMoment: Readonly<Record<Moment, number>>;
  /** Processes that a successor followed. */
  readonly replaced: number;
  /** Guests that were destroyed instead, and were gone without a trace. */
  readonly destroyed: number;
  readonly guests: number;
  /** Answers that guests got and that were right. */
  readonly answers: number;
  readonly recoveryMs: { readonly median: number; readonly p90: number; readonly max: number };
  readonly durationMs: number;
  /** What is wrong; empty when nothing is. */
  readonly faults: readonly string[];
}

export interface KillSoakOptions {
  readonly lab: LabHost;
  readonly kills: number;
  readonly seed: number;
  readonly serialLog: string;
  readonly signal: AbortSignal;
  readonly note: (text: string) => void;
}

/** How long a load takes at least on an emulated host, roughly: kills come within this time. */
const accesses = 40;
/** The end of a domain is work for dom0, which has little of a busy machine. */
const goneMs = 120_000;
/** The longest wait for the right moment. It is dom0's time: on a busy machine a load takes far longer by ours. */
const longestLoadMs = 1_000;
/** How often dom0 is looked at, in kills. */
const lookEvery = 50;
/** How often it is said how far it came, in kills. */
const sayEvery = 10;
/** No step takes longer, even on a machine that does other things: else somebody waits for ever. */
const stepMs = 300_000;

/** Kills device-model processes at random moments, and looks what becomes of their guests. */
export async function soakKills(options: KillSoakOptions): Promise<KillReport> {
  const { lab, serialLog, signal, note } = options;
  const bundle = await buildBundle([`${repository}/src/device`, `${repository}/harness/soak`]);
  await using machine = await start(lab, { serialLog, signal, note });
  await using session = await HostSession.open({
    ...{ target: machine.ssh, bundle, run: 'soak', guestCpus: machine.guestCpus, note, signal },
  });
  await using ssh = await SshConnection.open(machine.ssh, signal);
  await using killer = await Killer.start(ssh);
  const broken = machine.died.then((error): never => {
    throw error;
  });
  broken.catch(() => undefined);
  return await Promise.race([new KillSoak(options, { machine, session, ssh, killer }).run(), broken]);
}

/** A machine that the signal ends only while it starts: a soak that is cut short still needs it, to look what is left. */
async function start(lab: LabHost, { signal, ...options }: MachineOptions): Promise<Machine> {
  const starting = new AbortController();
  const abort = (): void => starting.abort(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    signal.throwIfAborted();
    return await lab.start({ ...options, signal: starting.signal });
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

interface Means {
  readonly machine: Machine;
  readonly session: HostSession;
  readonly ssh: SshConnection;
  readonly killer: Killer;
}

class KillSoak {
  readonly #options: KillSoakOptions;
  readonly #means: Means;
  readonly #random: Random;
  readonly #recoveries: number[] = [];
  readonly #byMoment: Record<Moment, number> = {
    serving: 0,
    recovering: 0,
    attaching: 0,
    closing: 0,
    idle: 0,
    setUp: 0,
    mortal: 0,
  };
  readonly #faults: string[] = [];
  /** Guests whose device model has no successor. */
  readonly #gone = new Set<string>();
  #guest: SoakGuest | undefined;
  #kills = 0;
  #destroyed = 0;
  #guests = 0;
  #answers = 0;
  #loadMs = 500;

  constructor(options: KillSoakOptions, means: Means) {
    this.#options = options;
    this.#means = means;
    this.#random = new Random(options.seed);
  }

  async run(): Promise<KillReport> {
    const { kills, signal, note, seed } = this.#options;
    const startedAt = performance.now();
    this.#means.session.onEvent((event) => this.#hear(event));
    const log = await this.#means.session.xenLog();
    let baseline: Dom0State | undefined;
    let nextLook = Math.min(5, kills);
    // Cut short it tells what there is to tell.
    while (this.#kills < kills && this.#faults.length === 0 && !signal.aborted) {
      const before = this.#kills;
      await this.#inTime(this.#step());
      if (Math.floor(before / sayEvery) !== Math.floor(this.#kills / sayEvery))
        note(`${this.#kills} of ${kills} kills`);
      if (this.#kills < nextLook) continue;
      nextLook += lookEvery;
      // With a guest that has all its servers, each time.
      await this.#settle(await this.#ready());
      const state = await dom0State(this.#means.ssh);
      if (baseline === undefined) baseline = state;
      else this.#faults.push(...growth(baseline, state));
      note(
        `${this.#kills} of ${kills} kills, ${this.#recoveries.length} taken over, ${this.#destroyed} destroyed; ${summaryOf(state)}`,
      );
    }
    await this.#inTime(this.#finish(log));
    const sorted = this.#recoveries.toSorted((a, b) => a - b);
    const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
    return {
      ...{ seed, kills: this.#kills, byMoment: this.#byMoment, replaced: sorted.length, destroyed: this.#destroyed },
      ...{ guests: this.#guests, answers: this.#answers },
      recoveryMs: { median: at(0.5), p90: at(0.9), max: at(1) },
      durationMs: Math.round(performance.now() - startedAt),
      faults: this.#faults,
    };
  }

  async #inTime(step: Promise<void>): Promise<void> {
    const late = new AbortController();
    const hung = sleep(stepMs, 'hung', { signal: late.signal }).catch(() => 'done');
    if ((await Promise.race([step, hung])) === 'hung') this.#faults.push(`nothing went on for ${stepMs / 1000} s`);
    late.abort();
  }

  #hear(event: AgentEvent): void {
    log.debug(event);
    if (event.event === 'deviceModelReplaced') this.#recoveries.push(event.recoveryMs);
    else if (event.event === 'deviceModelGone') this.#gone.add(event.guest);
    else if (event.event === 'guestGone') this.#faults.push(`guest ${event.guest} is gone: ${event.reason}`);
    else if (event.event !== 'log') this.#faults.push(JSON.stringify(event));
    else if (event.level === 'error') this.#faults.push(event.message);
  }

  async #step(): Promise<void> {
    const moment = this.#random.pick(moments);
    log.debug({ moment, kills: this.#kills, guest: this.#guest?.name }, 'step');
    if (moment === 'setUp' && this.#guest !== undefined) await this.#end(this.#guest);
    try {
      const guest = await this.#ready(moment === 'setUp');
      await this.#killDuring(guest, moment);
      // A load that has come to its end under the successor shows as much.
      if (moment !== 'serving' && moment !== 'recovering') await this.#settle(guest);
      if (moment === 'mortal') this.#faults.push('a guest lives on that was not to survive its device model');
    } catch (error) {
      if (!isLabError(error) || error.code !== 'DEVICE_MODEL_GONE') {
        this.#faults.push(`${moment}: ${isLabError(error) ? `${error.code}: ${error.message}` : String(error)}`);
      }
      await this.#expectDestroyed();
    }
  }

  async #killDuring(guest: SoakGuest, moment: Moment): Promise<void> {
    switch (moment) {
      case 'setUp':
        break;
      case 'mortal':
      case 'serving':
      case 'recovering': {
        if (moment === 'mortal') await guest.survive(false);
        const load = guest.load(this.#random, accesses);
        load.catch(() => undefined);
        await this.#kill(guest.name, moment, this.#random.below(this.#loadMs));
        for (let more = moment === 'recovering' ? 1 + this.#random.below(2) : 0; more > 0; more--) {
          const longest = Math.min(longestLoadMs, (this.#recoveries.at(-1) ?? longestLoadMs) * 1.5);
          await this.#kill(guest.name, moment, this.#random.below(1 + longest));
        }
        this.#answers += await load;
        break;
      }
      case 'attaching': {
        const attaching = guest.attach(1 + this.#random.below(2));
        attaching.catch(() => undefined);
        await this.#kill(guest.name, moment, this.#random.below(150));
        await attaching;
        break;
      }
      case 'closing': {
        const closing = guest.close();
        closing.catch(() => undefined);
        await this.#kill(guest.name, moment, this.#random.below(150));
        await closing;
        break;
      }
      case 'idle':
        await this.#kill(guest.name, moment, 0);
    }
  }

  /** The guest is served: all of its servers, on all vCPUs. */
  async #settle(guest: SoakGuest): Promise<void> {
    await guest.attach();
    const since = performance.now();
    this.#answers += await guest.load(this.#random, accesses);
    this.#loadMs = Math.min(longestLoadMs, Math.round(performance.now() - since));
    // An extra server stays for this load only: the next guest, or turn, needs the room.
    if (guest.hasExtra) {
      await guest.close();
      await guest.attach();
    }
  }

  async #kill(name: string, moment: Moment, delayMs: number): Promise<void> {
    if (!(await this.#means.killer.kill(name, delayMs, moment === 'setUp' ? 30_000 : 500))) return;
    log.debug({ moment, name }, 'killed');
    this.#kills++;
    this.#byMoment[moment]++;
  }

  /** The guest with its servers; made when there is none, and its device model then killed in the middle of it if asked to. */
  async #ready(isKilled = false): Promise<SoakGuest> {
    if (this.#guest !== undefined) return this.#guest;
    const environment: Environment = this.#random.below(4) === 0 ? 'hvm' : 'pvh';
    const name = `${environment}-${++this.#guests}`;
    const { session, machine } = this.#means;
    const making = SoakGuest.create(session, session.guests.kernel, machine.guestCpus, name, environment);
    making.catch(() => undefined);
    if (isKilled) await this.#kill(name, 'setUp', this.#random.below(1_000));
    this.#guest = await making;
    await this.#guest.attach();
    return this.#guest;
  }

  async #end(guest: SoakGuest): Promise<void> {
    this.#guest = undefined;
    await this.#means.session.agent.request({ do: 'destroyGuest', guest: guest.name });
  }

  /** The guest is lost: nothing of it may be left, not even as a zombie. */
  async #expectDestroyed(): Promise<void> {
    this.#guest = undefined;
    this.#destroyed++;
    await this.#expectNoDomains();
  }

  async #expectNoDomains(): Promise<void> {
    for (const until = performance.now() + goneMs; ; await sleep(200)) {
      const { domains } = await dom0State(this.#means.ssh);
      if (domains.length === 0) return;
      if (performance.now() < until) continue;
      this.#faults.push(`there must be no domain any more, but there are: ${domains.join(', ')}`);
      return;
    }
  }

  async #finish(logBefore: string): Promise<void> {
    if (this.#guest !== undefined) await this.#end(this.#guest);
    await this.#expectNoDomains();
    const log = await this.#means.session.xenLog();
    const known = new Set(xenComplaints(logBefore));
    this.#faults.push(...xenComplaints(log).filter((line) => !known.has(line)));
  }
}

const summaryOf = ({ freeMemoryMiB, eventChannels, agentDescriptors, processes }: Dom0State): string =>
  `dom0: ${freeMemoryMiB} MiB free, ${eventChannels} event channels, ${agentDescriptors} descriptors of the agent, ${processes} processes`;
