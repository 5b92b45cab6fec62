import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import type { Device } from '../device/define-device.ts';
import { deviceNamed } from '../device/registry.ts';
import { messageOf } from '../errors.ts';
import { toWire, type WireError } from '../wire-error.ts';
import { loadAddon, type Addon, type ServerHandle } from '../xen/addon.ts';
import { attachDevice, type AttachedDevice, type DevicePlace, type DeviceState } from './attach-device.ts';
import { CollectionCounter } from './collection-counter.ts';
import { Dispatcher, type DispatchCounters } from './dispatcher.ts';
import { GuestMemory } from './guest-memory.ts';
import { InterruptLines } from './interrupt-lines.ts';
import { mapInherited } from './map-inherited.ts';
import { BarDecoder, type RangeMapper } from './pci-placement.ts';
import { isRequest, requestsPerCall } from './hot-constants.ts';
import { serveCode } from './request.ts';
import * as word from './word.ts';
import { SharedState, type SharedMemory } from './shared-state.ts';

/** What a worker is started with. */
export interface ServerWorkerData {
  readonly addonFile: string;
}

/** A device in its place. */
export interface Attachment {
  readonly device: string;
  readonly options: unknown;
  readonly at: Record<string, number>;
  /** What its first instance has made for all; missing for the first. */
  readonly shared?: SharedMemory | undefined;
}

/**
 * What the main thread asks a worker for. While it serves, the worker looks at its messages when the server is
 * interrupted.
 */
export type ServerWorkerRequest =
  /** `inherited`: the server was adopted with these devices; they are made before it is served. */
  | {
      readonly do: 'serve';
      readonly server: ServerHandle;
      readonly lane: number;
      /** Of the guest memory's mappings; one for all workers of the server. */
      readonly generation: Int32Array;
      readonly inherited?: readonly Attachment[] | undefined;
    }
  | ({ readonly do: 'attach' } & Attachment)
  | { readonly do: 'use'; readonly device: number; readonly ability: DeviceAbility; readonly state?: DeviceState }
  | { readonly do: 'stop' };

/** What can be asked of a device that is attached. */
export type DeviceAbility = 'reset' | 'snapshot' | 'restore';

/** A device that was attached: its number on its server, what Xen has to be told, and what its regions are called. */
export interface AttachReply extends Pick<AttachedDevice, 'ranges' | 'labels'> {
  readonly device: number;
  /** For its other instances. */
  readonly shared: SharedMemory;
}

/** What a worker says. */
export type ServerWorkerMessage =
  | { readonly say: 'attached'; readonly attached: AttachReply }
  | { readonly say: 'used'; readonly state: DeviceState | undefined }
  | { readonly say: 'refused'; readonly error: WireError }
  | { readonly say: 'threw'; readonly region: string; readonly message: string }
  | { readonly say: 'failed'; readonly message: string }
  | { readonly say: 'stopped'; readonly counters: WorkerCounters };

/** What a worker has counted while it served. */
export interface WorkerCounters extends DispatchCounters {
  /** How often the buffered ring was found as no Xen leaves it. */
  ringDamaged: number;
  /** Accesses of devices to guest memory that is not there. */
  memoryMisses: number;
  /** Frames that devices wrote and Xen did not want to hear of. */
  untold: number;
  /** Garbage collections since the worker was last interrupted: by an attachment, or a change of how it waits. */
  collections: number;
}

/** What a thread serves: the words of a lane, and the hot call. */
export interface Shared {
  readonly server: ServerHandle;
  /** It was adopted, with ranges of which nobody here knows. */
  readonly isInherited: boolean;
  readonly words: Uint32Array;
  readonly next: () => void;
  /** See {@link GuestMemory}. */
  readonly generation?: Int32Array;
}

/** The entry of a worker: serves one lane of an ioreq server after the other, each until it is told to stop. */
export function runServerWorker(): void {
  const addon = loadAddon((workerData as ServerWorkerData).addonFile);
  // The memory of a lane's words outlives the server, and a thread may take it only once.
  const wordsOf = new Map<string, Uint32Array>();
  parentPort?.on('message', (request: ServerWorkerRequest) => {
    if (request.do !== 'serve') return;
    const { server, lane, generation, inherited } = request;
    const key = `${server}.${lane}`;
    const words = wordsOf.get(key) ?? new Uint32Array(addon.requestWords(server, lane));
    wordsOf.set(key, words);
    const next = addon.bindServe(server, lane);
    const isInherited = inherited !== undefined;
    const serving = new Serving(addon, { server, isInherited, words, next, generation }, workerChannel, deviceNamed);
    if (isInherited) serving.inherit(inherited, addon.bindInherited(server, lane));
    while (serving.turn());
  });
}

/** How a server's thread talks with the process's main thread. */
export interface ServingChannel {
  say(message: ServerWorkerMessage): void;
  /** The next thing that was asked for, if there is one. Does not wait. */
  hear(): ServerWorkerRequest | undefined;
}

const workerChannel: ServingChannel = {
  say: (message) => parentPort?.postMessage(message),
  hear: () => {
    const received = parentPort === null ? undefined : receiveMessageOnPort(parentPort);
    return received?.message as ServerWorkerRequest | undefined;
  },
};

/** One lane's time in a worker. */
export class Serving {
  readonly #shared: Shared;
  readonly #channel: ServingChannel;
  readonly #deviceNamed: (name: string) => Device;
  readonly #memory: GuestMemory;
  readonly #dispatcher: Dispatcher;
  readonly #place: Omit<DevicePlace, 'shared'>;
  readonly #devices: AttachedDevice[] = [];
  readonly #collections = new CollectionCounter();
  /** In the last turn. */
  #collected = 0;
  #hasFailed = false;

  constructor(addon: Addon, shared: Shared, channel: ServingChannel, deviceNamed: (name: string) => Device) {
    this.#shared = shared;
    this.#channel = channel;
    this.#deviceNamed = deviceNamed;
    this.#memory = new GuestMemory(addon, shared.generation);
    this.#dispatcher = new Dispatcher(shared.words, this.#memory);
    const { server } = shared;
    const ranges: RangeMapper = {
      mapRange: (memory, start, end) => addon.mapRange(server, memory, start, end),
      unmapRange: (memory, start, end) => addon.unmapRange(server, memory, start, end),
    };
    const mapRange: RangeMapper['mapRange'] = (memory, start, end) => mapInherited(ranges, memory, start, end);
    const decoder = new BarDecoder(this.#dispatcher, shared.isInherited ? { ...ranges, mapRange } : ranges);
    const lines = new InterruptLines(addon);
    this.#place = { dispatcher: this.#dispatcher, memory: this.#memory, lines, decoder };
  }

  /**
   * Makes the devices that an adopted server had, then hands them the requests that their predecessors died with.
   *
   * @param next what `bindInherited` of the addon gave
   */
  inherit(attachments: readonly Attachment[], next: () => void): void {
    for (const attachment of attachments) this.#tryAttach(attachment);
    serve(next, this.#shared.words, this.#dispatcher, (error) => this.#threw(error));
  }

  /**
   * Does what was asked for, then serves until the hot call comes back without a request: when the server is
   * interrupted, and in one thread with its guest (src/model/in-process) also when there is nothing to do.
   *
   * @returns false once it has stopped, and has said so
   */
  turn(): boolean {
    const { next, words } = this.#shared;
    if (this.#readRequests()) {
      this.#collections.start();
      const code = serve(next, words, this.#dispatcher, (error) => this.#threw(error));
      this.#collected = this.#collections.stop();
      if (code === serveCode.interrupted) return true;
      if (code === serveCode.failed) {
        const message = `waiting for an event failed with errno ${words[word.answerLow]}`;
        this.#channel.say({ say: 'failed', message });
      }
    }
    this.#place.lines.release();
    this.#memory.drop();
    const ringDamaged = words[word.ringDamaged] as number;
    const { misses: memoryMisses, untold } = this.#memory;
    const own = { ringDamaged, memoryMisses, untold, collections: this.#collected };
    const counters = { ...this.#dispatcher.counters, ...own };
    this.#channel.say({ say: 'stopped', counters });
    return false;
  }

  /** False when asked to stop. */
  #readRequests(): boolean {
    for (;;) {
      const request = this.#channel.hear();
      if (request === undefined) return true;
      if (request.do === 'stop') return false;
      if (request.do === 'serve') continue;
      if (request.do === 'attach') this.#tryAttach(request);
      else this.#tryUse(request);
    }
  }

  #tryAttach({ device: name, options, at, shared: given }: Attachment): void {
    try {
      const shared = new SharedState(given);
      const attached = attachDevice(this.#deviceNamed(name), options, at, { ...this.#place, shared });
      const device = this.#devices.push(attached) - 1;
      const { ranges, labels } = attached;
      this.#channel.say({ say: 'attached', attached: { device, ranges, labels, shared: shared.memory } });
    } catch (error) {
      this.#channel.say({ say: 'refused', error: toWire(error) });
    }
  }

  #tryUse(request: Extract<ServerWorkerRequest, { do: 'use' }>): void {
    try {
      this.#channel.say({ say: 'used', state: this.#use(request) });
    } catch (error) {
      this.#channel.say({ say: 'refused', error: toWire(error) });
    }
  }

  #use({ device, ability, state }: Extract<ServerWorkerRequest, { do: 'use' }>): DeviceState | undefined {
    const attached = this.#devices[device];
    if (attached === undefined) throw new Error(`no device ${device} was attached`);
    try {
      if (ability === 'snapshot') return attached.snapshot();
      if (ability === 'reset') attached.reset();
      else if (state !== undefined) attached.restore(state);
    } finally {
      this.#memory.tellModified();
    }
    return undefined;
  }

  /** Says so once: a broken handler would otherwise flood the control channel. */
  #threw(error: unknown): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    const message = error instanceof Error ? (error.stack ?? error.message) : messageOf(error);
    this.#channel.say({ say: 'threw', region: this.#dispatcher.current, message });
  }
}

type Throwing = (error: unknown) => void;

/** Serves until a call brings no request, and returns its code. */
function serve(next: () => void, words: Uint32Array, dispatcher: Dispatcher, threw: Throwing): number {
  for (;;) {
    const code = serveSome(next, words, dispatcher, threw);
    if (code !== isRequest) return code;
  }
}

/** The hot loop. */
function serveSome(next: () => void, words: Uint32Array, dispatcher: Dispatcher, threw: Throwing): number {
  for (let i = 0; i < requestsPerCall; i++) {
    next();
    const code = words[word.code] as number;
    if (code !== isRequest) return code;
    try {
      dispatcher.dispatch();
    } catch (error) {
      words[word.answerLow] = 0xffffffff;
      words[word.answerHigh] = 0xffffffff;
      threw(error);
    }
  }
  return isRequest;
}
