import { fork, type ChildProcess } from 'node:child_process';
import { LabError } from '../errors.ts';
import { fromWire } from '../wire-error.ts';
import type { DeviceModelSetup, FromDeviceModel, ToDeviceModel } from './device-model.ts';
import type { Domain } from './domain.ts';
import type { AgentEvent, GuestRequest } from './protocol.ts';

/** How long a device-model process gets for its orderly end. */
const endMs = 10_000;

type Answer = [result: unknown, blobs: readonly Uint8Array[]];

/** A guest: its domain and its device-model process, seen from the agent. */
export class GuestProcess {
  readonly #name: string;
  readonly #domain: Domain;
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  readonly #tell: (event: AgentEvent) => void;
  readonly #pending = new Map<number, { resolve(answer: Answer): void; reject(error: Error): void }>();
  #isEnding = false;
  /** Why no request is answered any more. */
  #lost: LabError | undefined;

  private constructor(name: string, domain: Domain, child: ChildProcess, tell: (event: AgentEvent) => void) {
    this.#name = name;
    this.#domain = domain;
    this.#child = child;
    this.#tell = tell;
    child.on('message', (message: FromDeviceModel) => this.#hear(message));
    this.#exited = new Promise((resolve) => {
      const ended = (how: string): void => {
        this.#fail('deviceModel', 'DEVICE_MODEL_GONE', `the device-model process ended with ${how}`);
        resolve();
        if (this.#isEnding) return;
        this.#isEnding = true;
        tell({ event: 'deviceModelGone', guest: name, how });
        // Its servers outlive it, and the guest would wait for them for ever.
        void domain.destroy();
      };
      child.once('exit', (code, signal) => ended(String(signal ?? code)));
      // It could not be started. A message that did not reach it any more is told by its exit.
      child.on('error', (error) => {
        if (child.pid === undefined) ended(error.message);
      });
    });
    void domain.gone.then((reason) => {
      if (this.#isEnding) return;
      this.#fail('guest', 'GUEST_GONE', `the guest is gone: ${reason}`);
      tell({ event: 'guestGone', guest: name, reason });
      // Unmaps the guest's pages, without which the domain stays as a zombie.
      void this.close();
    });
  }

  /** Starts the process of a guest that was created paused, and then the guest. */
  static async start(
    domain: Domain,
    setup: DeviceModelSetup,
    tell: (event: AgentEvent) => void,
  ): Promise<GuestProcess> {
    const child = fork(setup.workerFile, [], {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    const guest = new GuestProcess(setup.guest, domain, child, tell);
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
    return await this.#send(id, { id, request, blobs });
  }

  /** Ends the process in order, then the domain. */
  async close(): Promise<void> {
    this.#isEnding = true;
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), endMs);
    await this.#exited;
    clearTimeout(timer);
    await this.#domain.destroy();
  }

  async #send(id: number, message: ToDeviceModel): Promise<Answer> {
    return await new Promise((resolve, reject) => {
      if (this.#lost !== undefined || !this.#child.connected) {
        const gone = { blame: 'deviceModel', code: 'DEVICE_MODEL_GONE' } as const;
        reject(this.#lost ?? new LabError(`guest ${this.#name} has no device-model process any more`, gone));
        return;
      }
      this.#pending.set(id, { resolve, reject });
      this.#child.send(message);
    });
  }

  #hear(message: FromDeviceModel): void {
    if ('event' in message) {
      this.#tell(message.event);
      return;
    }
    const pending = this.#pending.get(message.id);
    this.#pending.delete(message.id);
    if (message.ok) pending?.resolve([message.result, message.blobs]);
    else pending?.reject(fromWire(message.error));
  }

  #fail(blame: 'guest' | 'deviceModel', code: string, message: string): void {
    this.#lost ??= new LabError(message, { blame, code });
    for (const { reject } of this.#pending.values()) reject(this.#lost);
    this.#pending.clear();
  }
}
