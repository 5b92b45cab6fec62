import type { AgentEvent, Environment } from '../../src/agent/protocol.ts';
import type { Seams } from '../../src/model/in-process/seams.ts';
import type { XenVersion } from '../host/emulated/xen-versions.ts';
import type { GuestSession } from '../host/guest-session.ts';
import { ModelSession } from '../host/model/model-session.ts';
import type { Lab } from './lab.ts';

/** The model of Xen: nothing of it outlives a crash, and nothing has to be put together. */
export class ModelLab implements Lab {
  readonly name: string;
  readonly xenVersion: XenVersion;
  readonly #session: ModelSession;
  #guest: GuestSession | undefined;

  /** @param seams for tests: what is wrong with it */
  constructor(xen: XenVersion, seams?: Seams) {
    this.name = `model-${xen}`;
    this.xenVersion = xen;
    this.#session = ModelSession.of(xen, seams);
  }

  async guest(environment: Environment, vcpus: number): Promise<GuestSession> {
    const known = this.#guest;
    if (known?.environment === environment && known.vcpus === vcpus && !known.isBusy) return known;
    this.#guest = await this.#session.acquireGuest(environment, vcpus);
    return this.#guest;
  }

  async discard(): Promise<void> {
    this.#guest = undefined;
    await this.#session.discardGuest();
  }

  onEvent(listener: (event: AgentEvent) => void): () => void {
    return this.#session.onEvent(listener);
  }

  async explain(error: unknown): Promise<unknown> {
    return error;
  }

  async restart(): Promise<boolean> {
    return false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session.close();
  }
}
