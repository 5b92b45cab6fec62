import { Worker } from 'node:worker_threads';
import type { ServerWorkerData, ServerWorkerMessage, ServerWorkerRequest } from './server-worker.ts';

/** A worker while it belongs to a server. */
export interface LentWorker {
  ask(request: ServerWorkerRequest): void;
  /** Gives it back, ready for another server. */
  release(): void;
  /** Ends it, whatever it is doing. */
  terminate(): Promise<void>;
}

/** What the borrower of a worker wants to hear. */
export interface WorkerListener {
  hear(message: ServerWorkerMessage): void;
  /** The worker ended without being asked to. */
  died(message: string): void;
}

/** Where a server gets its worker from. */
export interface WorkerLender {
  lend(listener: WorkerListener): LentWorker;
}

/**
 * The workers of a device-model process. Starting one costs as much as starting Node anew, so they are kept between
 * servers; one spare is started ahead.
 */
export class WorkerPool implements WorkerLender, AsyncDisposable {
  readonly #file: string;
  readonly #data: ServerWorkerData;
  readonly #idle: Worker[] = [];
  readonly #listeners = new Map<Worker, WorkerListener>();

  /** @param file the bundle that runs `runServerWorker` */
  constructor(file: string, addonFile: string) {
    this.#file = file;
    this.#data = { addonFile };
    this.#idle.push(this.#start());
  }

  lend(listener: WorkerListener): LentWorker {
    const worker = this.#idle.pop() ?? this.#start();
    this.#listeners.set(worker, listener);
    return {
      ask: (request) => worker.postMessage(request),
      release: () => {
        if (this.#listeners.delete(worker)) this.#idle.push(worker);
      },
      terminate: async () => {
        this.#listeners.delete(worker);
        await worker.terminate();
      },
    };
  }

  /** Ends the workers that nobody has borrowed. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#idle.splice(0).map((worker) => worker.terminate()));
  }

  #start(): Worker {
    const worker = new Worker(this.#file, { workerData: this.#data });
    let message = 'the worker ended';
    worker.on('message', (said: ServerWorkerMessage) => this.#listeners.get(worker)?.hear(said));
    worker.on('error', (error) => (message = error.stack ?? error.message));
    worker.once('exit', () => {
      this.#listeners.get(worker)?.died(message);
      this.#listeners.delete(worker);
      const at = this.#idle.indexOf(worker);
      if (at >= 0) this.#idle.splice(at, 1);
    });
    return worker;
  }
}
