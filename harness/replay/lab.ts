import type { AgentEvent, Environment } from '../../src/agent/protocol.ts';
import { isLabError, type LabError } from '../../src/errors.ts';
import type { Bundle } from '../deploy/bundle.ts';
import { GuestSession } from '../host/guest-session.ts';
import { HostSession } from '../host/host-session.ts';
import type { LabHost, Machine } from '../host/lab-host.ts';
import { log } from '../log.ts';
import { HostFailure } from '../run/host-failure.ts';

/** A host with guests that may be broken, and which is put together again. */
export interface Lab extends AsyncDisposable {
  readonly name: string;
  /** Which Xen it is, such as `4.20.5-pre`. */
  readonly xenVersion: string;
  /** The guest of an environment with so many vCPUs; made when there is none. */
  guest(environment: Environment, vcpus: number): Promise<GuestSession>;
  /** Ends a guest that is not fit for more. */
  discard(guest: GuestSession): Promise<void>;
  onEvent(listener: (event: AgentEvent) => void): () => void;
  /** What an error means: the end of the host, if that explains it. */
  explain(error: unknown): Promise<unknown>;
  /** A host that has died is started again. False: that is not in our power. */
  restart(): Promise<boolean>;
}

/** What a {@link MachineLab} is made of. */
export interface MachineLabOptions {
  readonly host: LabHost;
  readonly bundle: Bundle;
  /** Names the run to others who want the host. */
  readonly run: string;
  readonly serialLog: string;
  readonly note: (text: string) => void;
  readonly signal: AbortSignal;
}

/** One life of a machine. */
interface Life {
  readonly machine: Machine;
  readonly session: HostSession;
  readonly failure: HostFailure;
  readonly guests: Map<string, GuestSession>;
}

/** A machine with Xen. */
export class MachineLab implements Lab {
  readonly name: string;
  readonly #options: MachineLabOptions;
  readonly #listeners = new Set<(event: AgentEvent) => void>();
  #life: Life;

  private constructor(options: MachineLabOptions, life: Life) {
    this.name = options.host.name;
    this.#options = options;
    this.#life = life;
    this.#hear(life);
  }

  /** @throws LabError with blame `host` when it cannot be reached, deployed to, or is in use */
  static async open(options: MachineLabOptions): Promise<MachineLab> {
    return new MachineLab(options, await begin(options));
  }

  get xenVersion(): string {
    return this.#life.session.environment.xen['xen_version'] ?? '';
  }

  async guest(environment: Environment, vcpus: number): Promise<GuestSession> {
    const { session, guests } = this.#life;
    const identity = await session.guests.acquire(environment, vcpus);
    const guest = guests.get(identity.name) ?? new GuestSession(session.agent, identity);
    guests.set(identity.name, guest);
    return guest;
  }

  async discard(guest: GuestSession): Promise<void> {
    this.#life.guests.delete(guest.name);
    await this.#life.session.guests.discard(guest.name);
  }

  onEvent(listener: (event: AgentEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async explain(error: unknown): Promise<unknown> {
    const { failure } = this.#life;
    if (isLabError(error) && error.code === 'AGENT_LOST') await failure.report(error);
    return failure.error ?? error;
  }

  async restart(): Promise<boolean> {
    if (!this.#options.host.isDisposable) return false;
    await this.#end();
    this.#life = await begin(this.#options);
    this.#hear(this.#life);
    return true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end();
  }

  async #end(): Promise<void> {
    const { machine, session, failure } = this.#life;
    failure.close();
    // Ending guests in order takes seconds, and is of no use to a machine that is about to be thrown away.
    if (this.#options.host.isDisposable) await session.abandon();
    else await session[Symbol.asyncDispose]();
    await machine[Symbol.asyncDispose]();
  }

  #hear({ session }: Life): void {
    session.onEvent((event) => {
      log.debug({ host: this.name, ...event });
      for (const listener of this.#listeners) listener(event);
    });
  }
}

async function begin({ host, bundle, run, serialLog, note, signal }: MachineLabOptions): Promise<Life> {
  const machine = await host.start({ serialLog, note, signal });
  const failure = new HostFailure(serialLog, signal, () => undefined);
  failure.watch(machine.died);
  try {
    const session = await HostSession.open({
      ...{ target: machine.ssh, bundle, run, guestCpus: machine.guestCpus, note },
      signal: AbortSignal.any([signal, failure.signal]),
    });
    const lost = (error: LabError): void => void failure.report(error);
    machine.died.then(lost, () => undefined);
    // Nobody answers any more, and whoever waits for it shall know.
    failure.signal.addEventListener('abort', () => void session.abandon(), { once: true });
    return { machine, session, failure, guests: new Map() };
  } catch (error) {
    failure.close();
    await machine[Symbol.asyncDispose]();
    throw error;
  }
}
