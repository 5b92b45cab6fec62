import type { LabError } from '../errors.ts';
import { fromWire } from '../wire-error.ts';
import type { ServerHandle } from '../xen/addon.ts';
import type { DeviceState } from './attach-device.ts';
import type { Attachment, AttachReply, DeviceAbility, ServerWorkerMessage, WorkerCounters } from './server-worker.ts';
import type { LentWorker, WorkerLender } from './worker-pool.ts';

/** What the server wants to hear of a lane's worker. */
export interface LaneListener {
  threw(region: string, message: string): void;
  /** Waiting for requests failed. */
  failed(message: string): void;
  /** It has ended without being asked to. */
  died(message: string): void;
  /** It serves no more: it was asked to end, it failed, or the watchdog has displaced it. */
  stopped(): void;
}

/** The worker that serves one lane of a server, seen from the main thread. */
export class LaneWorker {
  readonly #worker: LentWorker;
  readonly #server: ServerHandle;
  readonly #lane: number;
  readonly #generation: Int32Array;
  readonly #listener: LaneListener;
  /** What the worker has not answered yet, in its order. */
  readonly #asked: PromiseWithResolvers<AttachReply | DeviceState | undefined>[] = [];
  readonly #stopped = withResolvers<undefined>();
  /** When it has ended by itself. */
  counters: WorkerCounters | undefined;

  /** @param generation of guest memory's mappings: the same for all lanes of a server */
  constructor(
    pool: WorkerLender,
    {
      server,
      lane,
      generation,
    }: { readonly server: ServerHandle; readonly lane: number; readonly generation: Int32Array },
    listener: LaneListener,
  ) {
    this.#server = server;
    this.#lane = lane;
    this.#generation = generation;
    this.#listener = listener;
    this.#worker = pool.lend({
      hear: (message) => this.#hear(message),
      died: (message) => {
        this.#listener.died(message);
        this.#stopped.resolve(undefined);
      },
    });
  }

  /** Lets it serve. @param inherited devices that are made before it does: the lane is of an adopted server */
  async serve(inherited?: readonly Attachment[]): Promise<readonly AttachReply[]> {
    this.#worker.ask({ do: 'serve', server: this.#server, lane: this.#lane, generation: this.#generation, inherited });
    return await this.#replies(inherited?.length ?? 0);
  }

  /** Asks for devices; the server has to be interrupted for the worker to see it. */
  async attach(attachments: readonly Attachment[]): Promise<readonly AttachReply[]> {
    for (const one of attachments) this.#worker.ask({ do: 'attach', ...one });
    return await this.#replies(attachments.length);
  }

  /** Asks a device for what it may be able to; the server has to be interrupted for the worker to see it. */
  async use(device: number, ability: DeviceAbility, state?: DeviceState): Promise<DeviceState | undefined> {
    this.#worker.ask({ do: 'use', device, ability, ...(state && { state }) });
    return (await this.#answer()) as DeviceState | undefined;
  }

  async #replies(count: number): Promise<readonly AttachReply[]> {
    return await Promise.all(Array.from({ length: count }, async () => (await this.#answer()) as AttachReply));
  }

  /** What it says to the next thing that it was asked. */
  async #answer(): Promise<AttachReply | DeviceState | undefined> {
    const asked = withResolvers<AttachReply | DeviceState | undefined>();
    this.#asked.push(asked);
    return await asked.promise;
  }

  /** Nobody serves any more: what waits for the worker is told so. */
  lose(error: LabError): void {
    for (const { reject } of this.#asked.splice(0)) reject(error);
  }

  /** Asks it to end; the server has to be interrupted for the worker to see it. */
  askToEnd(): void {
    this.#worker.ask({ do: 'stop' });
  }

  /** Gives the worker back when it has ended, or terminates it. False when it had to be terminated. */
  async ended(timeoutMs: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(resolve, timeoutMs, 'late');
    });
    const outcome = await Promise.race([this.#stopped.promise, late]);
    clearTimeout(timer);
    if (outcome === 'late') await this.#worker.terminate();
    else this.#worker.release();
    return outcome !== 'late';
  }

  #hear(message: ServerWorkerMessage): void {
    switch (message.say) {
      case 'attached':
        this.#asked.shift()?.resolve(message.attached);
        break;
      case 'used':
        this.#asked.shift()?.resolve(message.state);
        break;
      case 'refused':
        this.#asked.shift()?.reject(fromWire(message.error));
        break;
      case 'threw':
        this.#listener.threw(message.region, message.message);
        break;
      case 'failed':
        this.#listener.failed(message.message);
        break;
      case 'stopped':
        this.counters = message.counters;
        this.#stopped.resolve(undefined);
        this.#listener.stopped();
        break;
    }
  }
}

interface PromiseWithResolvers<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(error: Error): void;
}

/** Promise.withResolvers, which Node 20 lacks. */
function withResolvers<T>(): PromiseWithResolvers<T> {
  let resolvers: Pick<PromiseWithResolvers<T>, 'resolve' | 'reject'> | undefined;
  const promise = new Promise<T>((resolve, reject) => {
    resolvers = { resolve, reject };
  });
  if (resolvers === undefined) throw new Error('unreachable');
  return { promise, ...resolvers };
}
