import type { Addon, ServerHandle } from '../xen/addon.ts';

/**
 * What a vCPU that asked for work is told; guests/program/format.ts has the same values. `again`: any other value makes
 * it ask anew.
 */
export const controlAnswer = { runIfNew: 0, run: 1, stop: 2, again: 3 } as const;

/**
 * The server that owns the control port: a vCPU without work reads the port and is answered when there is some. It is
 * apart from the servers under test, so that a scenario may break those without losing the guest.
 */
export class ControlServer implements Disposable {
  readonly #addon: Addon;
  readonly #server: ServerHandle;
  readonly #asking = new Set<number>();
  readonly #waiters = new Set<() => void>();

  /** @param inherited Xen's id of the server, when a process that has died left it with its vCPUs waiting in it */
  constructor(addon: Addon, port: number, inherited?: number) {
    this.#addon = addon;
    this.#server = inherited === undefined ? addon.createServer() : addon.adoptServer(inherited);
    try {
      if (inherited === undefined) addon.mapRange(this.#server, false, port, port + 3);
      addon.enableServer(this.#server, false);
      addon.watchControl(this.#server, (vcpu) => {
        this.#asking.add(vcpu);
        for (const wake of this.#waiters) wake();
      });
    } catch (error) {
      addon.closeServer(this.#server);
      throw error;
    }
  }

  /** Xen's id. */
  get xenId(): number {
    return this.#addon.serverId(this.#server);
  }

  /** Resolves when all these vCPUs have asked for work. */
  async idle(vcpus: readonly number[], signal: AbortSignal): Promise<void> {
    const done = (): boolean => vcpus.every((vcpu) => this.#asking.has(vcpu));
    if (done()) return;
    await new Promise<void>((resolve, reject) => {
      const finish = (settle: () => void): void => {
        this.#waiters.delete(wake);
        signal.removeEventListener('abort', abort);
        settle();
      };
      const wake = (): void => {
        if (done()) finish(resolve);
      };
      const abort = (): void => finish(() => reject(signal.reason as Error));
      if (signal.aborted) return abort();
      this.#waiters.add(wake);
      signal.addEventListener('abort', abort);
    });
  }

  /**
   * Gives work to vCPUs that have asked for it.
   *
   * @param ifNew they run it only if its number is not that of their last work: when it is not known what they were told
   */
  start(vcpus: readonly number[], ifNew = false): void {
    for (const vcpu of vcpus) {
      this.#asking.delete(vcpu);
      this.#addon.answerControl(this.#server, vcpu, ifNew ? controlAnswer.runIfNew : controlAnswer.run);
    }
  }

  /**
   * Lets the vCPUs that wait for work ask anew. Xen defers a domain's shutdown as long as a vCPU waits for a device
   * model (vcpu_start_shutdown_deferral in xen/arch/x86/hvm), so without it a crash of one vCPU would never show.
   */
  poke(): void {
    for (const vcpu of [...this.#asking]) {
      this.#asking.delete(vcpu);
      this.#addon.answerControl(this.#server, vcpu, controlAnswer.again);
    }
  }

  [Symbol.dispose](): void {
    this.#addon.unwatchControl();
    this.#addon.closeServer(this.#server);
  }
}
