import { formatPciAddress } from '../device/pci/address.ts';
import { LabError, messageOf } from '../errors.ts';
import type { Addon, ServerHandle } from '../xen/addon.ts';
import type { DeviceState, Range } from './attach-device.ts';
import { LaneWorker } from './lane-worker.ts';
import { isThereAlready } from './map-inherited.ts';
import { serveCode, word } from './request.ts';
import { createServer, optionsConflict, setWaiting, type ServerOptions, type Waiting } from './server-options.ts';
import type { Attachment, AttachReply, DeviceAbility, WorkerCounters } from './server-worker.ts';
import type { SharedMemory } from './shared-state.ts';
import type { WorkerLender } from './worker-pool.ts';

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
  /** Those of all its workers; missing when none served it, or one had to be terminated. */
  readonly counters: WorkerCounters | undefined;
  /** Records of src/trace/record.ts. */
  readonly trace: Uint8Array;
}

/** By addon, the words of each lane: their memory outlives the server, and this thread may take them only once. */
const knownWords = new WeakMap<Addon, Map<string, Uint32Array>>();

function wordsOf(addon: Addon, server: ServerHandle, lane: number): Uint32Array {
  const known = knownWords.get(addon) ?? new Map<string, Uint32Array>();
  knownWords.set(addon, known);
  const key = `${server}.${lane}`;
  const words = known.get(key) ?? new Uint32Array(addon.requestWords(server, lane));
  known.set(key, words);
  return words;
}

/** An ioreq server and what serves it, seen from the process's main thread. */
export class ServerHost {
  readonly xenId: number;
  readonly #addon: Addon;
  readonly #server: ServerHandle;
  readonly #pool: WorkerLender;
  readonly #isInherited: boolean;
  readonly #trouble: (trouble: ServerTrouble) => void;
  /** By lane, then by what {@link word.region} holds when the region's handler was called last. */
  readonly #labels: readonly Map<number, string>[];
  readonly #generation = new Int32Array(new SharedArrayBuffer(4));
  /** One for each lane, once something is attached. */
  #workers: readonly LaneWorker[] = [];
  #hasReference = false;
  #isStuck = false;
  #isClosing = false;
  /** Why nothing can be attached any more. */
  #lost: LabError | undefined;

  /**
   * Creates the server in Xen and enables it. Until something is attached, nobody serves it and it owns nothing.
   *
   * @param inherited Xen's id, when the server is there already because its last process died; it owns what it owned, and
   * has the options that it had
   * @throws LabError `SERVER_OPTIONS_CONFLICT`
   */
  constructor(
    addon: Addon,
    pool: WorkerLender,
    trouble: (trouble: ServerTrouble) => void,
    options: ServerOptions = {},
    inherited?: number,
  ) {
    this.#addon = addon;
    this.#pool = pool;
    this.#trouble = trouble;
    this.#isInherited = inherited !== undefined;
    this.#server = createServer(addon, options, inherited);
    try {
      this.xenId = addon.serverId(this.#server);
      this.#labels = Array.from({ length: addon.laneCount(this.#server) }, () => new Map<number, string>());
      addon.enableServer(this.#server, true);
    } catch (error) {
      attempt(() => addon.closeServer(this.#server));
      throw error;
    }
  }

  /** Changes how it waits for requests. */
  setWaiting(waiting: Waiting): void {
    setWaiting(this.#addon, this.#server, waiting);
    // Out of a wait that began under the old rule.
    this.#addon.interruptServer(this.#server);
  }

  /**
   * Puts a device on the server, once in each worker; accesses reach it when this resolves.
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
    if (this.#workers.length > 1 && attached.ranges.some(({ kind }) => kind === 'pci')) {
      throw optionsConflict('a PCI function has one configuration space: its server has one worker');
    }
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
    this.#labels.forEach((_, lane) => {
      const words = wordsOf(this.#addon, this.#server, lane);
      const next = this.#addon.bindInherited(this.#server, lane);
      do next();
      while (words[word.code] === serveCode.request);
    });
  }

  /**
   * Has a device do what it may be able to, between two requests: each of its instances, in turn.
   *
   * @param device what {@link ServerHost.attach} gave
   * @param state for `restore`
   * @returns what `snapshot` of the first instance gave
   * @throws LabError `ABILITY_MISSING`, `SERVER_LOST`, or what the device throws
   */
  async use(device: number, ability: DeviceAbility, state?: DeviceState): Promise<DeviceState | undefined> {
    this.#checkUsable();
    if (this.#workers.length === 0) throw new Error('no device was attached');
    const answers = this.#workers.map(async (worker) => await worker.use(device, ability, state));
    this.#addon.interruptServer(this.#server);
    return (await Promise.all(answers))[0];
  }

  /** Lets the C yardstick serve, with a 4-byte register at each port and guest address. Not together with devices. */
  attachReference(ports: readonly number[], addresses: readonly number[] = [], scans = 0): void {
    this.#attachNative(() =>
      this.#addon.startReference(this.#server, Uint16Array.from(ports), Float64Array.from(addresses), scans),
    );
    const map = (kind: Range['kind'], start: number): void =>
      this.#map({ label: 'reference', kind, start, end: start + 3 });
    for (const port of ports) map('port', port);
    for (const address of addresses) map('memory', address);
  }

  /** Lets a native thread answer every access with one value. It owns nothing until it is given ranges. */
  attachConstant(value: number): void {
    this.#attachNative(() => this.#addon.startConstant(this.#server, value));
  }

  #attachNative(start: () => void): void {
    if (this.#workers.length > 0 || this.#hasReference || this.#lost !== undefined) throw inUse();
    if (this.#isInherited) this.disown();
    start();
    this.#hasReference = true;
  }

  /** Looks whether the watchdog had to take the server away; says so once. */
  checkWatchdog(): void {
    if (this.#isStuck || !this.#addon.watchdogFired(this.#server)) return;
    this.#isStuck = true;
    const lane = this.#labels.findIndex((_, i) => this.#addon.watchdogFired(this.#server, i));
    const region = this.#labels[lane]?.get(wordsOf(this.#addon, this.#server, lane)[word.region] as number) ?? '';
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
    const ended = await this.#endWorkers();
    const stop = attempt(() => this.#addon.stopServer(this.#server));
    const trace = this.readTrace();
    const close = attempt(() => this.#addon.closeServer(this.#server));
    const failure = stop ?? close;
    if (failure !== undefined) throw failure;
    const counters = ended ? sum(this.#workers.map((worker) => worker.counters)) : undefined;
    return { xenId: this.xenId, counters, trace };
  }

  /** False when one had to be terminated. */
  async #endWorkers(): Promise<boolean> {
    for (const worker of this.#workers) worker.askToEnd();
    if (this.#workers.length > 0) this.#addon.interruptServer(this.#server);
    const timeoutMs = this.#isStuck ? 0 : stopMs;
    const ended = await Promise.all(this.#workers.map(async (worker) => await worker.ended(timeoutMs)));
    if (ended.every(Boolean)) return true;
    this.checkWatchdog();
    return false;
  }

  #checkUsable(): void {
    this.checkWatchdog();
    if (this.#lost !== undefined) throw this.#lost;
  }

  /** Has the workers make devices; they are started if there are none. Returns what the first has made. */
  async #place(attachments: readonly Attachment[]): Promise<readonly AttachReply[]> {
    const isNew = this.#workers.length === 0;
    if (isNew) this.#workers = this.#labels.map((_, lane) => this.#startWorker(lane));
    const isInheriting = isNew && this.#isInherited;
    if (isNew && !isInheriting) for (const worker of this.#workers) void worker.serve();
    const placeIn = async (lane: number, shared?: readonly SharedMemory[]): Promise<readonly AttachReply[]> => {
      const worker = this.#workers[lane] as LaneWorker;
      const own = attachments.map((one, i) => ({ ...one, shared: shared?.[i] }));
      const placing = isInheriting ? worker.serve(own) : worker.attach(own);
      this.#addon.interruptServer(this.#server);
      const placed = await placing;
      for (const { labels } of placed) for (const [index, label] of labels) this.#labels[lane]?.set(index, label);
      return placed;
    };
    // The first instance makes what all share.
    const first = await placeIn(0);
    const shared = first.map((attached) => attached.shared);
    await Promise.all(this.#workers.slice(1).map(async (_, i) => await placeIn(i + 1, shared)));
    return first;
  }

  #startWorker(lane: number): LaneWorker {
    return new LaneWorker(
      this.#pool,
      { server: this.#server, lane, generation: this.#generation },
      {
        threw: (region, message) => this.#trouble({ kind: 'threw', region, message }),
        failed: (message) => {
          this.#trouble({ kind: 'failed', region: '', message });
          this.#lose(message);
        },
        died: (message) => {
          this.#trouble({ kind: 'failed', region: '', message });
          this.#lose(`its worker died: ${message}`);
        },
        stopped: () => {
          // Unasked, and no failure: the watchdog has displaced it.
          if (!this.#isClosing) this.checkWatchdog();
          this.#lose('it is closed');
        },
      },
    );
  }

  #map({ label, kind, start, end }: Range): void {
    try {
      if (kind === 'pci') this.#addon.mapPciFunction(this.#server, start);
      else this.#addon.mapRange(this.#server, kind === 'memory', start, end);
    } catch (error) {
      // The process that died had got so far. Taken away and given anew, it would be nobody's for a moment, and a vCPU that
      // comes by then reads all ones.
      if (this.#isInherited && isThereAlready(error)) return;
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
    for (const worker of this.#workers) worker.lose(this.#lost);
  }
}

/** Of all workers together; undefined when there are none, or one did not tell. */
function sum(all: readonly (WorkerCounters | undefined)[]): WorkerCounters | undefined {
  const [first, ...others] = all;
  if (first === undefined) return undefined;
  const total = { ...first };
  for (const one of others) {
    if (one === undefined) return undefined;
    for (const key of Object.keys(total) as (keyof WorkerCounters)[]) total[key] += one[key];
  }
  return total;
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
