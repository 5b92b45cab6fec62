import type { Device } from '../../device/define-device.ts';
import { Serving, type ServerWorkerRequest, type Shared } from '../../server/server-worker.ts';
import type { LentWorker, WorkerLender, WorkerListener } from '../../server/worker-pool.ts';
import type { ServerHandle } from '../../xen/addon.ts';
import type { ModelAddon } from './model-addon.ts';

interface InlineWorker {
  readonly listener: WorkerListener;
  readonly asked: ServerWorkerRequest[];
  server: ServerHandle | undefined;
  serving: Serving | undefined;
}

/**
 * Workers that are no threads: what a server's worker does, it does when {@link InlineWorkers.turn} lets it, in the
 * thread of whoever calls that.
 */
export class InlineWorkers implements WorkerLender {
  readonly #addon: ModelAddon;
  readonly #deviceNamed: (name: string) => Device;
  readonly #workers = new Set<InlineWorker>();
  readonly #shared = new Map<ServerHandle, Shared>();

  constructor(addon: ModelAddon, deviceNamed: (name: string) => Device) {
    this.#addon = addon;
    this.#deviceNamed = deviceNamed;
  }

  lend(listener: WorkerListener): LentWorker {
    const worker: InlineWorker = { listener, asked: [], server: undefined, serving: undefined };
    this.#workers.add(worker);
    const end = (): void => void this.#workers.delete(worker);
    return {
      ask: (request) => {
        if (request.do === 'serve') this.#start(worker, request);
        else worker.asked.push(request);
        // Nobody else would let it answer.
        queueMicrotask(() => this.turn());
      },
      release: end,
      terminate: async () => end(),
    };
  }

  /** Lets every worker go on that has something to do. True if there was one. */
  turn(): boolean {
    let hasTurned = false;
    for (const worker of this.#workers) {
      if (worker.serving === undefined || worker.server === undefined) continue;
      if (worker.asked.length === 0 && !this.#addon.hasWork(worker.server)) continue;
      hasTurned = true;
      if (!worker.serving.turn()) worker.serving = undefined;
    }
    return hasTurned;
  }

  #start(worker: InlineWorker, { server, inherited }: Extract<ServerWorkerRequest, { do: 'serve' }>): void {
    const shared = this.#shared.get(server) ?? {
      server,
      isInherited: inherited !== undefined,
      words: new Uint32Array(this.#addon.requestWords(server)),
      next: this.#addon.bindServe(server),
    };
    this.#shared.set(server, shared);
    worker.server = server;
    worker.serving = new Serving(
      this.#addon,
      shared,
      { say: (message) => worker.listener.hear(message), hear: () => worker.asked.shift() },
      this.#deviceNamed,
    );
    if (inherited !== undefined) worker.serving.inherit(inherited, this.#addon.bindInherited(server));
  }
}
