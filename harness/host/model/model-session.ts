import type { AgentEvent, Environment } from '../../../src/agent/protocol.ts';
import type { Seams } from '../../../src/model/in-process/seams.ts';
import type { RunContext } from '../../scenario/run-context.ts';
import type { Session } from '../../scenario/session.ts';
import type { GuestSession } from '../guest-session.ts';
import { parseXenVersion, type XenVersion } from '../emulated/xen-versions.ts';
import { ModelGuest } from './model-guest.ts';

/** The scenarios' host when there is none: guests of the model, made for each scenario, in the worker's own thread. */
export class ModelSession implements Session {
  readonly #xen: XenVersion;
  readonly #seams: Seams | undefined;
  readonly #listeners = new Set<(event: AgentEvent) => void>();
  #guest: ModelGuest | undefined;
  #made = 0;

  private constructor(xen: XenVersion, seams: Seams | undefined) {
    this.#xen = xen;
    this.#seams = seams;
  }

  /** @param seams what is wrong with it, in tests */
  static of(xen: XenVersion, seams?: Seams): ModelSession {
    return new ModelSession(xen, seams);
  }

  /** @param xen the version of Xen that the model stands for */
  static async open(xen: string, breakage: RunContext['host']['breakage']): Promise<ModelSession> {
    if (breakage === undefined) return new ModelSession(parseXenVersion(xen), undefined);
    const { breakages } = (await import(breakage.module)) as { breakages: Readonly<Record<string, Seams>> };
    const seams = breakages[breakage.name];
    if (seams === undefined) throw new Error(`no breakage ${breakage.name}`);
    return new ModelSession(parseXenVersion(xen), seams);
  }

  onEvent(listener: (event: AgentEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async acquireGuest(environment: Environment, vcpus: number): Promise<GuestSession> {
    await this.close();
    this.#guest = await ModelGuest.make({
      name: `${environment}-${++this.#made}`,
      xen: this.#xen,
      environment,
      vcpus,
      seams: this.#seams,
      onEvent: (event) => {
        for (const listener of this.#listeners) listener(event);
      },
    });
    return this.#guest;
  }

  async discardGuest(): Promise<void> {
    await this.close();
  }

  /** There is none. */
  async xenLog(): Promise<string> {
    return '';
  }

  async xenVersion(): Promise<string> {
    return this.#xen;
  }

  async close(): Promise<void> {
    await this.#guest?.end();
    this.#guest = undefined;
  }
}
