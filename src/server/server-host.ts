import { formatPciAddress } from '../device/pci/address.ts';
import { LabError, messageOf } from '../errors.ts';
import { fromWire } from '../wire-error.ts';
import type { Addon, ServerHandle } from '../xen/addon.ts';
import type { DispatchCounters } from './dispatcher.ts';
import type { DeviceState, Range } from './attach-device.ts';
import { serveCode, word } from './request.ts';
import type { Attachment, AttachReply, DeviceAbility, ServerWorkerMessage } from './server-worker.ts';
import type { LentWorker, WorkerLender } from './worker-pool.ts';

/** How long a worker gets to come back from its handler before it is terminated. */
const stopMs = 2_000;

/** What goes wrong with a server while it serves. */
export interface ServerTrouble {
  readonly kind: 'threw' | 'stuck' | 'failed';
  /** `device.region`, or empty when no handler is to blame. */
  readonly region: string;
  readonly message: string;
}

/** What a server leaves behind when it is closed. */
export interface ServerRemains {
  readonly xenId: number;
  /** Missing when no worker served it, or the worker had to be terminated. */
  readonly counters: DispatchCounters | undefined;
  /** Records of src/trace/record.ts. */
  readonly trace: Uint8Array;
}

/** By addon, the words of each handle: their memory outlives the server, and this thread may take them only once. */
const knownWords = new WeakMap<Addon, Map<ServerHandle, Uint32Array>>();

function wordsOf(addon: Addon, server: ServerHandle): Uint32Array {
  const known = knownWords.get(addon) ?? new Map<ServerHandle, Uint32Array>();
  knownWords.set(addon, known);
  const words = known.get(server) ?? new Uint32Array(addon.requestWords(server));
  known.set(server, words);
  return words;
}

/** An ioreq server and what serves it, seen from the process's main thread. */
export class ServerHost {
  readonly xenId: number;
  readonly #addon: Addon;
  readonly #server: ServerHandle;
  readonly #pool: WorkerLender;
  readonly #words: Uint32Array;
  readonly #isInherited: boolean;
  readonly #trouble: (trouble: ServerTrouble) => void;
  /** By what {@link word.region} holds when the region's handler was called last. */
  readonly #labels = new Map<number, string>();
  #worker: LentWorker | undefined;
  /** What the worker has not answered yet, in its order. */
  readonly #asked: PromiseWithResolvers<AttachReply | DeviceState | undefined>[] = [];
  readonly #stopped = withResolvers<undefined>();
  #counters: DispatchCounters | undefined;
  #hasReference = false;
  #isStuck = false;
  #isClosing = false;
  /** Why nothing can be attached any more. */
  #lost: LabError | undefined;

  /**
   * Creates the server in Xen and enables it. Until something is attached, nobody serves it and it owns nothing.
   *
   * @param inherited Xen's id, when the server is there already because its last process died; it owns what it owned
   */
  constructor(addon: Addon, pool: WorkerLender, trouble: (trouble: ServerTrouble) => void, inherited?: number) {
    this.#addon = addon;
    this.#pool = pool;
    this.#trouble = trouble;
    this.#isInherited = inherited !== undefined;
    this.#server = inherited === undefined ? addon.createServer() : addon.adoptServer(inherited);
    try {
      this.xenId = addon.serverId(this.#server);
      addon.enableServer(this.#server, true);
      this.#words = wordsOf(addon, this.#server);
    } catch (error) {
      attempt(() => addon.closeServer(this.#server));
      throw error;
    }
  }

  /** How long to look at the slots before blocking, in TSC cycles; 0 blocks at once. */
  setSpin(cycles: number): void {
    this.#addon.setSpin(this.#server, cycles);
    // Out of a wait that began under the old rule.
    this.#addon.interruptServer(this.#server);
  }

  /**
   * Puts a device on the server; accesses reach it when this resolves.
   *
   * @param at address of each region; of a PCI function, its SBDF
   * @returns the device's number, for {@link ServerHost.use}
   * @throws LabError what the device or Xen refused; `SERVER_LOST` when nobody serves the server any more
   */
  async attach(device: string, options: unknown, at: Record<string, number>): Promise<number> {
    this.#checkUsable();
    if (this.#hasReference) throw inUse();
    const [attached] = await this.#place([{ device, options, at }]);
    if (attached === undefined) throw new Error('unreachable');
    for (const range of attached.ranges) this.#map(range);
    return attached.device;
  }

  /**
   * Puts the devices on an inherited server that it had, with states of their own, and has them answer what waits there.
   * Its ranges are in Xen already.
   */
  async inherit(attachments: readonly Attachment[]): Promise<void> {
    if (attachments.length > 0) await this.#place(attachments);
  }

  /** Answers what the dead process had in hand with all ones. Before anything is attached. */
  disown(): void {
    const next = this.#addon.bindInherited(this.#server);
    do next();
    while (this.#words[word.code] === serveCode.request);
  }

  /**
   * Has a device do what it may be able to, between two requests.
   *
   * @param device what {@link ServerHost.attach} gave
   * @param state for `restore`
   * @returns what `snapshot` gave
   * @throws LabError `ABILITY_MISSING`, `SERVER_LOST`, or what the device throws
   */
  async use(device: number, ability: DeviceAbility, state?: DeviceState): Promise<DeviceState | undefined> {
    this.#checkUsable();
    const answer = this.#expectAnswer();
    this.#worker?.ask({ do: 'use', device, ability, ...(state && { state }) });
    this.#addon.interruptServer(this.#server);
    return (await answer) as DeviceState | undefined;
  }

  /** Lets the C yardstick serve, with a 4-byte register at each port. Not together with devices. */
  attachReference(ports: readonly number[]): void {
    if (this.#worker !== undefined || this.#hasReference || this.#lost !== undefined) throw inUse();
    if (this.#isInherited) this.disown();
    this.#addon.startReference(this.#server, Uint16Array.from(ports));
    this.#hasReference = true;
    for (const port of ports) this.#map({ label: 'reference', kind: 'port', start: port, end: port + 3 });
  }

  /** Looks whether the watchdog had to take the server away; says so once. */
  checkWatchdog(): void {
    if (this.#isStuck || !this.#addon.watchdogFired(this.#server)) return;
    this.#isStuck = true;
    const region = this.#labels.get(this.#words[word.region] as number) ?? '';
    const message = `the handler of ${region || 'a region'} did not return`;
    this.#trouble({ kind: 'stuck', region, message });
    this.#lose(message);
  }

  /** A copy of the newest trace records, oldest first: see src/trace/record.ts. */
  readTrace(): Uint8Array {
    return new Uint8Array(this.#addon.readTrace(this.#server));
  }

  /** The orderly end, all the way even if Xen refuses a part of it. Never waits for a stuck handler. */
  async close(): Promise<ServerRemains> {
    this.#isClosing = true;
    await this.#endWorker();
    const stop = attempt(() => this.#addon.stopServer(this.#server));
    const trace = this.readTrace();
    const close = attempt(() => this.#addon.closeServer(this.#server));
    const failure = stop ?? close;
    if (failure !== undefined) throw failure;
    return { xenId: this.xenId, counters: this.#counters, trace };
  }

  async #endWorker(): Promise<void> {
    const worker = this.#worker;
    if (worker === undefined) return;
    worker.ask({ do: 'stop' });
    this.#addon.interruptServer(this.#server);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(resolve, this.#isStuck ? 0 : stopMs, 'late');
    });
    const outcome = await Promise.race([this.#stopped.promise, late]);
    clearTimeout(timer);
    if (outcome === 'late') {
      this.checkWatchdog();
      await worker.terminate();
    } else worker.release();
  }

  #checkUsable(): void {
    this.checkWatchdog();
    if (this.#lost !== undefined) throw this.#lost;
  }

  /** What the worker says to the next thing that it is asked. */
  async #expectAnswer(): Promise<AttachReply | DeviceState | undefined> {
    const asked = withResolvers<AttachReply | DeviceState | undefined>();
    this.#asked.push(asked);
    return await asked.promise;
  }

  /** Has the worker make devices; it is started if there is none. */
  async #place(attachments: readonly Attachment[]): Promise<AttachReply[]> {
    const placing = attachments.map(async () => (await this.#expectAnswer()) as AttachReply);
    const isNew = this.#worker === undefined;
    const worker = (this.#worker ??= this.#lend());
    if (isNew)
      worker.ask({ do: 'serve', server: this.#server, inherited: this.#isInherited ? attachments : undefined });
    if (!isNew || !this.#isInherited) for (const one of attachments) worker.ask({ do: 'attach', ...one });
    this.#addon.interruptServer(this.#server);
    const placed = await Promise.all(placing);
    for (const { labels } of placed) for (const [index, label] of labels) this.#labels.set(index, label);
    return placed;
  }

  #lend(): LentWorker {
    return this.#pool.lend({
      hear: (message) => this.#hear(message),
      died: (message) => {
        this.#worker = undefined;
        this.#trouble({ kind: 'failed', region: '', message });
        this.#lose(`its worker died: ${message}`);
        this.#stopped.resolve(undefined);
      },
    });
  }

  #map({ label, kind, start, end }: Range): void {
    const addon = this.#addon;
    const isMemory = kind === 'memory';
    const [map, unmap] =
      kind === 'pci'
        ? [() => addon.mapPciFunction(this.#server, start), () => addon.unmapPciFunction(this.#server, start)]
        : [
            () => addon.mapRange(this.#server, isMemory, start, end),
            () => addon.unmapRange(this.#server, isMemory, start, end),
          ];
    try {
      // The process that died may have got so far: no device of ours is there, or the dispatcher would have said so.
      if (this.#isInherited) attempt(unmap);
      map();
    } catch (error) {
      const what =
        kind === 'pci'
          ? `PCI function ${formatPciAddress(start)}`
          : `${kind === 'memory' ? 'memory' : 'ports'} 0x${start.toString(16)} to 0x${end.toString(16)}`;
      throw new LabError(`Xen refused ${label}, ${what}: ${messageOf(error)}`, {
        blame: 'scenario',
        code: 'RANGE_REFUSED',
        cause: error,
      });
    }
  }

  /** Nobody serves any more, and nobody will: what waits for the worker is told so. */
  #lose(why: string): void {
    this.#lost ??= new LabError(`the server serves no more: ${why}`, { blame: 'deviceModel', code: 'SERVER_LOST' });
    for (const { reject } of this.#asked.splice(0)) reject(this.#lost);
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
        this.#trouble({ kind: 'threw', region: message.region, message: message.message });
        break;
      case 'failed':
        this.#trouble({ kind: 'failed', region: '', message: message.message });
        this.#lose(message.message);
        break;
      case 'stopped':
        this.#counters = message.counters;
        this.#stopped.resolve(undefined);
        // Unasked, and no failure: the watchdog has displaced it.
        if (!this.#isClosing) this.checkWatchdog();
        this.#lose('it is closed');
        break;
    }
  }
}

function inUse(): LabError {
  return new LabError('a server has either devices or the yardstick', {
    blame: 'scenario',
    code: 'SERVER_IN_USE',
    next: 'give the yardstick a server of its own',
  });
}

/** What the call threw, if it did. */
function attempt(call: () => void): Error | undefined {
  try {
    call();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(messageOf(error));
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
