import { fork, type ChildProcess } from 'node:child_process';
import { LabError, messageOf } from '../errors.ts';
import { fromWire } from '../wire-error.ts';
import type { DeviceModelSetup, DeviceModelSetupResult, FromDeviceModel, ToDeviceModel } from './device-model.ts';
import type { Domain } from './domain.ts';
import { ServerAccount } from './inheritance.ts';
import type { AgentEvent, GuestRequest } from './protocol.ts';

/** How long a device-model process gets for its orderly end. */
const endMs = 10_000;
/**
 * After so many deaths in a row, none of whose processes answered anything but its set-up, what a process had in hand is
 * answered with all ones by its successor: it may be what kills.
 */
const distrustAfter = 4;
/** After so many there is no further successor. */
const giveUpAfter = 6;

type Answer = [result: unknown, blobs: readonly Uint8Array[]];

interface Pending {
  readonly message: ToDeviceModel;
  resolve(answer: Answer): void;
  reject(error: Error): void;
}

/** The set-up of a guest's first process; its successors get more. */
export type FirstSetup = Omit<DeviceModelSetup, 'inheritance'>;

/** A guest: its domain and its device-model process, seen from the agent. */
export class GuestProcess {
  readonly #setup: FirstSetup;
  readonly #domain: Domain;
  readonly #tell: (event: AgentEvent) => void;
  readonly #account = new ServerAccount();
  /** What was not answered yet, in order. */
  readonly #pending = new Map<number, Pending>();
  #child: ChildProcess;
  /** Resolves when there is no process any more, and there will be none. */
  readonly #exited: Promise<void>;
  #resolveExited: () => void = () => undefined;
  /** Since something was answered. */
  #deaths = 0;
  #isEnding = false;
  /** Why no request is answered any more. */
  #lost: LabError | undefined;
  /** Whether a process that dies gets a successor; otherwise its guest is destroyed. */
  survives: boolean;

  private constructor(domain: Domain, setup: FirstSetup, survives: boolean, tell: (event: AgentEvent) => void) {
    this.#setup = setup;
    this.#domain = domain;
    this.#tell = tell;
    this.survives = survives;
    this.#exited = new Promise((resolve) => (this.#resolveExited = resolve));
    this.#child = this.#fork();
    void domain.gone.then((reason) => {
      if (this.#isEnding) return;
      this.#fail('guest', 'GUEST_GONE', `the guest is gone: ${reason}`);
      tell({ event: 'guestGone', guest: setup.guest, reason });
      // Unmaps the guest's pages, without which the domain stays as a zombie.
      this.#orTell(this.close());
    });
  }

  /** Nobody waits for it: when it fails, the orchestrator is told. */
  #orTell(ending: Promise<void>): void {
    ending.catch((error: unknown) => this.#tell({ event: 'log', level: 'error', message: messageOf(error) }));
  }

  /**
   * Starts the process of a guest that was created paused, and then the guest.
   *
   * @param survives whether a process that dies is replaced
   */
  static async start(
    domain: Domain,
    setup: FirstSetup,
    survives: boolean,
    tell: (event: AgentEvent) => void,
  ): Promise<GuestProcess> {
    const guest = new GuestProcess(domain, setup, survives, tell);
    try {
      await guest.#send(-1, { setup });
      await domain.unpause();
    } catch (error) {
      await guest.close();
      throw error;
    }
    return guest;
  }

  async request(id: number, request: GuestRequest, blobs: readonly Uint8Array[]): Promise<Answer> {
    return await this.#send(id, { id, request, blobs, isRepeated: false });
  }

  /** The process that serves the guest now. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Ends the process in order, then the domain. */
  async close(): Promise<void> {
    this.#isEnding = true;
    const child = this.#child;
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), endMs);
    await this.#exited;
    clearTimeout(timer);
    await this.#domain.destroy();
  }

  #fork(): ChildProcess {
    // The name is for people who look at the host's processes.
    const child = fork(this.#setup.workerFile, [this.#setup.guest], {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    child.on('message', (message: FromDeviceModel) => this.#hear(message));
    // The end of the channel comes after all that the process has said, its exit may come before.
    let how: string | undefined;
    let isHeard = false;
    const end = (): void => {
      if (how !== undefined && isHeard) this.#ended(how);
    };
    child.once('exit', (code, signal) => {
      how = String(signal ?? code);
      end();
    });
    child.once('disconnect', () => {
      isHeard = true;
      end();
    });
    // It could not be started. A message that did not reach it any more is told by its exit.
    child.on('error', (error) => {
      if (child.pid === undefined) this.#ended(error.message);
    });
    return child;
  }

  #ended(how: string): void {
    this.#deaths++;
    if (this.#isEnding || !this.survives || this.#deaths >= giveUpAfter) {
      this.#giveUp(how);
      this.#resolveExited();
    } else this.#replace(how);
  }

  /** Its servers outlive the process, and the guest would wait for them for ever. */
  #giveUp(how: string): void {
    this.#fail('deviceModel', 'DEVICE_MODEL_GONE', `the device-model process ended with ${how}`);
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#tell({ event: 'deviceModelGone', guest: this.#setup.guest, how });
    this.#orTell(this.#domain.destroy());
  }

  /** A new process takes the servers over, and is asked for all that was not answered. */
  #replace(how: string): void {
    const since = performance.now();
    const open = [...this.#pending.values()];
    const inheritance = this.#account.inheritance(this.#deaths < distrustAfter);
    this.#pending.clear();
    this.#child = this.#fork();
    const asked: ToDeviceModel = { setup: { ...this.#setup, inheritance } };
    // What the first process was asked with is answered when its successor is set up.
    const waits = open.filter(({ message }) => 'setup' in message);
    // Told at once, not by a promise: what the same process says next may have come with it.
    this.#pending.set(-1, {
      message: asked,
      resolve: (answer) => {
        for (const { resolve } of waits) resolve(answer);
        const recoveryMs = Math.round(performance.now() - since);
        this.#tell({ event: 'deviceModelReplaced', guest: this.#setup.guest, how, recoveryMs });
      },
      reject: (error) => {
        for (const { reject } of waits) reject(error);
        if (this.#isEnding || this.#lost !== undefined) return;
        this.#giveUp(`${how}, and has no successor: ${messageOf(error)}`);
        this.#orTell(this.close());
      },
    });
    this.#child.send(asked);
    for (const pending of open) {
      if ('setup' in pending.message) continue;
      const message = { ...pending.message, isRepeated: true };
      this.#pending.set(message.id, { ...pending, message });
      // After the set-up, which the process does first.
      this.#child.send(message);
    }
  }

  async #send(id: number, message: ToDeviceModel): Promise<Answer> {
    return await new Promise((resolve, reject) => {
      if (this.#lost !== undefined) {
        reject(this.#lost);
        return;
      }
      this.#pending.set(id, { message, resolve, reject });
      // What a dead process does not get any more its successor does.
      if (this.#child.connected) this.#child.send(message);
    });
  }

  #hear(message: FromDeviceModel): void {
    if ('event' in message) {
      this.#tell(message.event);
      return;
    }
    const pending = this.#pending.get(message.id);
    this.#pending.delete(message.id);
    if (!message.ok) {
      pending?.reject(fromWire(message.error));
      return;
    }
    if (pending !== undefined) this.#note(pending.message, message.result);
    pending?.resolve([message.result, message.blobs]);
  }

  #note(message: ToDeviceModel, result: unknown): void {
    if ('request' in message) {
      this.#account.note(message.request, result);
      this.#deaths = 0;
      return;
    }
    this.#account.control = (result as DeviceModelSetupResult).control;
  }

  #fail(blame: 'guest' | 'deviceModel', code: string, message: string): void {
    this.#lost ??= new LabError(message, { blame, code });
    const open = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of open) reject(this.#lost);
  }
}
