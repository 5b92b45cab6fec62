import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { deviceNamed } from '../device/registry.ts';
import { LabError, messageOf } from '../errors.ts';
import { toWire, type WireError } from '../wire-error.ts';
import { loadAddon, type Addon, type ServerHandle } from '../xen/addon.ts';
import { Dispatcher, type DispatchCounters } from './dispatcher.ts';
import { GuestMemory } from './guest-memory.ts';
import { serveCode, word } from './request.ts';

/** What the main thread starts a server's worker with. */
export interface ServerWorkerData {
  readonly role: 'server';
  readonly addonFile: string;
  readonly server: ServerHandle;
}

/** What the main thread asks a worker for; it then interrupts the server, so that the worker looks. */
export type ServerWorkerRequest =
  | { readonly do: 'attach'; readonly device: string; readonly options: unknown; readonly at: Record<string, number> }
  | { readonly do: 'serveReference'; readonly ports: readonly number[] }
  | { readonly do: 'stop' };

/** A stretch that Xen has to be told about. Both ends are included. */
export interface Range {
  readonly label: string;
  readonly memory: boolean;
  readonly start: number;
  readonly end: number;
}

/** What a worker says. */
export type ServerWorkerMessage =
  | { readonly say: 'attached'; readonly ranges: readonly Range[] }
  | { readonly say: 'refused'; readonly error: WireError }
  | { readonly say: 'threw'; readonly region: string; readonly message: string }
  | { readonly say: 'failed'; readonly message: string }
  | { readonly say: 'stopped'; readonly counters: DispatchCounters };

/** Serves one ioreq server until told to stop: the entry of its worker. */
export function runServerWorker(): void {
  const { addonFile, server } = workerData as ServerWorkerData;
  new ServerWorker(loadAddon(addonFile), server).run();
}

class ServerWorker {
  readonly #addon: Addon;
  readonly #server: ServerHandle;
  readonly #memory: GuestMemory;
  readonly #words: Uint32Array;
  readonly #dispatcher: Dispatcher;
  #reference: Uint16Array | undefined;
  #failed = false;

  constructor(addon: Addon, server: ServerHandle) {
    this.#addon = addon;
    this.#server = server;
    this.#memory = new GuestMemory(addon);
    this.#words = new Uint32Array(addon.requestWords(server));
    this.#dispatcher = new Dispatcher(this.#words, this.#memory);
  }

  run(): void {
    while (this.#readRequests()) {
      const code = this.#reference
        ? this.#addon.serveReference(this.#server, this.#reference)
        : serve(this.#addon.bindServe(this.#server), this.#words, this.#dispatcher, (error) => this.#threw(error));
      if (code === serveCode.displaced) break;
      if (code === serveCode.failed) {
        this.#say({ say: 'failed', message: `waiting for an event failed with errno ${this.#words[word.answerLow]}` });
        break;
      }
    }
    this.#memory.drop();
    this.#say({ say: 'stopped', counters: this.#dispatcher.counters });
    parentPort?.close();
  }

  /** False when asked to stop. */
  #readRequests(): boolean {
    for (;;) {
      const received = parentPort === null ? undefined : receiveMessageOnPort(parentPort);
      if (received === undefined) return true;
      const request = (received as { message: ServerWorkerRequest }).message;
      if (request.do === 'stop') return false;
      try {
        if (request.do === 'serveReference') {
          this.#reference = Uint16Array.from(request.ports);
          this.#say({
            say: 'attached',
            ranges: request.ports.map((port) => ({ label: 'reference', memory: false, start: port, end: port + 3 })),
          });
        } else this.#say({ say: 'attached', ranges: this.#attach(request.device, request.options, request.at) });
      } catch (error) {
        this.#say({ say: 'refused', error: toWire(error) });
      }
    }
  }

  #attach(name: string, options: unknown, at: Record<string, number>): Range[] {
    const device = deviceNamed(name);
    const handlers = device.create(options ?? {}, { memory: this.#memory });
    const extra = Object.keys(at).find((region) => !(region in device.regions));
    if (extra !== undefined) {
      throw new LabError(`device ${name} has no region ${extra}; it has: ${Object.keys(device.regions).join(', ')}`, {
        blame: 'scenario',
        code: 'REGION_UNKNOWN',
      });
    }
    return Object.entries(device.regions).map(([region, claim]) => {
      const base = at[region];
      const handler = handlers[region];
      if (base === undefined || handler === undefined) {
        throw new LabError(`device ${name}: region ${region} needs an address in \`at\` and a handler`, {
          blame: 'scenario',
          code: 'REGION_NOT_PLACED',
        });
      }
      const label = `${name}.${region}`;
      this.#dispatcher.add(label, claim, base, handler);
      return { label, memory: claim.kind === 'memory', start: base, end: base + claim.size - 1 };
    });
  }

  /** Says so once: a broken handler would otherwise flood the control channel. */
  #threw(error: unknown): void {
    if (this.#failed) return;
    this.#failed = true;
    const message = error instanceof Error ? (error.stack ?? error.message) : messageOf(error);
    this.#say({ say: 'threw', region: this.#dispatcher.current, message });
  }

  #say(message: ServerWorkerMessage): void {
    parentPort?.postMessage(message);
  }
}

/** The hot loop. Returns the code of the call that brought no request. */
function serve(
  next: () => void,
  words: Uint32Array,
  dispatcher: Dispatcher,
  threw: (error: unknown) => void,
): number {
  for (;;) {
    next();
    const code = words[word.code] as number;
    if (code !== serveCode.request) return code;
    try {
      dispatcher.dispatch();
    } catch (error) {
      words[word.answerLow] = 0xffffffff;
      words[word.answerHigh] = 0xffffffff;
      threw(error);
    }
  }
}
