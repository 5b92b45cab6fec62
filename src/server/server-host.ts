import { Worker } from 'node:worker_threads';
import { LabError } from '../errors.ts';
import { fromWire } from '../wire-error.ts';
import type { Addon, ServerHandle } from '../xen/addon.ts';
import type { DispatchCounters } from './dispatcher.ts';
import { word } from './request.ts';
import type { Range, ServerWorkerData, ServerWorkerMessage, ServerWorkerRequest } from './server-worker.ts';

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
  /** Missing when the worker had to be terminated. */
  readonly counters: DispatchCounters | undefined;
  /** Records of src/trace/record.ts. */
  readonly trace: Uint8Array;
}

/** An ioreq server and the worker that serves it, seen from the process's main thread. */
export class ServerHost {
  readonly xenId: number;
  readonly #addon: Addon;
  readonly #server: ServerHandle;
  readonly #worker: Worker;
  readonly #words: Uint32Array;
  readonly #trouble: (trouble: ServerTrouble) => void;
  readonly #labels: string[] = [];
  readonly #exited: Promise<void>;
  #attaching: { resolve(ranges: readonly Range[]): void; reject(error: Error): void } | undefined;
  #counters: DispatchCounters | undefined;
  #isStuck = false;

  /**
   * Creates the server in Xen, enables it and starts its worker.
   *
   * @param workerFile the bundle that runs {@link runServerWorker}
   * @param spinCycles how long to look at the slots before blocking, in TSC cycles
   */
  constructor(
    addon: Addon,
    addonFile: string,
    workerFile: string,
    spinCycles: number,
    trouble: (trouble: ServerTrouble) => void,
  ) {
    this.#addon = addon;
    this.#trouble = trouble;
    this.#server = addon.createServer();
    try {
      this.xenId = addon.serverId(this.#server);
      addon.setSpin(this.#server, spinCycles);
      addon.enableServer(this.#server, true);
      this.#words = new Uint32Array(addon.requestWords(this.#server));
      const workerData: ServerWorkerData = { role: 'server', addonFile, server: this.#server };
      this.#worker = new Worker(workerFile, { workerData });
    } catch (error) {
      addon.closeServer(this.#server);
      throw error;
    }
    this.#exited = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        this.#attaching?.reject(new Error('the worker of the server ended'));
        resolve();
      });
    });
    this.#worker.on('message', (message: ServerWorkerMessage) => this.#hear(message));
    this.#worker.on('error', (error) => trouble({ kind: 'failed', region: '', message: error.stack ?? error.message }));
  }

  /** Puts a device on the server; accesses reach it when this resolves. */
  async attach(device: string, options: unknown, at: Record<string, number>): Promise<void> {
    await this.#claim({ do: 'attach', device, options, at });
  }

  /** Lets the C yardstick serve instead of JavaScript, with a 4-byte register at each port. */
  async attachReference(ports: readonly number[]): Promise<void> {
    await this.#claim({ do: 'serveReference', ports });
  }

  /** Looks whether the watchdog had to take the server away; says so once. */
  checkWatchdog(): void {
    if (this.#isStuck || !this.#addon.watchdogFired(this.#server)) return;
    this.#isStuck = true;
    const region = this.#labels[(this.#words[word.region] as number) - 1] ?? '';
    this.#trouble({ kind: 'stuck', region, message: `the handler of ${region || 'a region'} did not return` });
  }

  /** The orderly end. Never waits for a stuck handler. */
  async close(): Promise<ServerRemains> {
    this.#ask({ do: 'stop' });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(resolve, this.#isStuck ? 0 : stopMs, 'late');
    });
    if ((await Promise.race([this.#exited, late])) === 'late') {
      this.checkWatchdog();
      await this.#worker.terminate();
    }
    clearTimeout(timer);
    const trace = new Uint8Array(this.#addon.readTrace(this.#server));
    this.#addon.closeServer(this.#server);
    return { xenId: this.xenId, counters: this.#counters, trace };
  }

  async #claim(request: ServerWorkerRequest): Promise<void> {
    const ranges = await new Promise<readonly Range[]>((resolve, reject) => {
      this.#attaching = { resolve, reject };
      this.#ask(request);
    });
    for (const range of ranges) {
      try {
        this.#addon.mapRange(this.#server, range.memory, range.start, range.end);
      } catch (error) {
        throw new LabError(
          `Xen refused ${range.label}, ${range.memory ? 'memory' : 'ports'} 0x${range.start.toString(16)} to 0x${range.end.toString(16)}: ${String(error)}`,
          { blame: 'scenario', code: 'RANGE_REFUSED', cause: error },
        );
      }
      this.#labels.push(range.label);
    }
  }

  #ask(request: ServerWorkerRequest): void {
    this.#worker.postMessage(request);
    this.#addon.interruptServer(this.#server);
  }

  #hear(message: ServerWorkerMessage): void {
    switch (message.say) {
      case 'attached':
        this.#attaching?.resolve(message.ranges);
        break;
      case 'refused':
        this.#attaching?.reject(fromWire(message.error));
        break;
      case 'threw':
        this.#trouble({ kind: 'threw', region: message.region, message: message.message });
        break;
      case 'failed':
        this.#trouble({ kind: 'failed', region: '', message: message.message });
        break;
      case 'stopped':
        this.#counters = message.counters;
        break;
    }
  }
}
