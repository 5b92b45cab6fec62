import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { ServerHandle } from '../../xen/addon.ts';
import type { FakeXen } from './fake-xen.ts';

/** A thread that serves, as a server's worker does; it answers a read of an address with the address plus one. */
export class ServingThread {
  readonly #xen: FakeXen;
  readonly #server: ServerHandle;
  readonly #worker: Worker;
  readonly #exited: Promise<unknown>;
  readonly #said: { readonly code: number; readonly errno: number }[] = [];

  constructor(xen: FakeXen, server: ServerHandle, lane = 0) {
    this.#xen = xen;
    this.#server = server;
    const workerData = { addonFile: xen.addonFile, server, lane };
    this.#worker = new Worker(new URL('./serving-thread.mjs', import.meta.url), { workerData });
    this.#exited = once(this.#worker, 'exit');
    this.#worker.on('message', (said: { code: number; errno: number }) => this.#said.push(said));
  }

  /** What calls that brought no request have said so far. */
  get said(): readonly { readonly code: number; readonly errno: number }[] {
    return this.#said;
  }

  /** Resolves when it has ended by itself. */
  async ended(): Promise<void> {
    await this.#exited;
  }

  async stop(): Promise<void> {
    this.#worker.postMessage('stop');
    this.#xen.addon.interruptServer(this.#server);
    await this.#exited;
  }
}
