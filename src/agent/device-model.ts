import { LabError, messageOf } from '../errors.ts';
import { ControlServer } from '../server/control-server.ts';
import { GuestMemory } from '../server/guest-memory.ts';
import { ServerHost } from '../server/server-host.ts';
import { WorkerPool } from '../server/worker-pool.ts';
import { toWire } from '../wire-error.ts';
import { loadAddon, type Addon } from '../xen/addon.ts';
import type { AgentEvent, GuestRequest } from './protocol.ts';

/** What the agent starts a guest's device-model process with. */
export interface DeviceModelSetup {
  readonly guest: string;
  readonly domid: number;
  readonly vcpus: number;
  readonly controlPort: number;
  readonly addonFile: string;
  /** The bundle that the process and its workers run. */
  readonly workerFile: string;
}

/** From the agent: first the set-up, then requests. */
export type ToDeviceModel =
  | { readonly setup: DeviceModelSetup }
  | { readonly id: number; readonly request: GuestRequest; readonly blobs: readonly Uint8Array[] };

/** To the agent. The set-up is answered as request -1. */
export type FromDeviceModel =
  | { readonly id: number; readonly ok: true; readonly result: unknown; readonly blobs: readonly Uint8Array[] }
  | { readonly id: number; readonly ok: false; readonly error: ReturnType<typeof toWire> }
  | { readonly event: AgentEvent };

/** SHUTDOWN_poweroff of Xen's public/sched.h. */
const shutdownPoweroff = 0;
/** How long a handler may take before the watchdog answers in its place. */
const watchdogMs = 1_000;
/** How often the watchdog's findings are looked at while a guest runs. */
const watchdogLookMs = 250;
/** How often idle vCPUs are let ask anew while others run: rarely, since it disturbs what is measured. */
const pokeMs = 3_000;

function send(message: FromDeviceModel): void {
  if (process.connected) process.send?.(message);
}

/** One guest's device models: its servers, and the control server through which it gets work. */
class DeviceModel {
  readonly #setup: DeviceModelSetup;
  readonly #addon: Addon;
  readonly #memory: GuestMemory;
  readonly #control: ControlServer;
  readonly #workers: WorkerPool;
  readonly #servers = new Map<string, ServerHost>();

  constructor(setup: DeviceModelSetup) {
    this.#setup = setup;
    this.#addon = loadAddon(setup.addonFile);
    this.#addon.open(setup.domid, setup.vcpus);
    this.#addon.startWatchdog(watchdogMs);
    this.#memory = new GuestMemory(this.#addon);
    this.#control = new ControlServer(this.#addon, setup.controlPort);
    this.#workers = new WorkerPool(setup.workerFile, setup.addonFile);
  }

  async handle(request: GuestRequest, blobs: readonly Uint8Array[]): Promise<[unknown, readonly Uint8Array[]]> {
    switch (request.do) {
      case 'createServer':
        this.#createServer(request.server);
        return [{}, []];
      case 'setSpin':
        this.#server(request.server).setSpin(request.cycles);
        return [{}, []];
      case 'attach':
        await this.#server(request.server).attach(request.device, request.options, request.at);
        return [{}, []];
      case 'attachReference':
        this.#server(request.server).attachReference(request.ports);
        return [{}, []];
      case 'closeServers':
        return this.#closeServers();
      case 'execute':
        return [{}, await this.#execute(request, blobs)];
      case 'readMemory':
        return [{}, [this.#memory.readBytes(request.address, request.length)]];
      case 'writeMemory':
        for (const blob of blobs) this.#memory.writeBytes(request.address, blob);
        return [{}, []];
    }
  }

  /** Ends everything in order; the guest is told to go if it is to go with us. */
  async close(shutdown: boolean): Promise<void> {
    await inOrder([
      async () => void (await this.#closeServers()),
      () => this.#memory.drop(),
      () => this.#control[Symbol.dispose](),
      () => shutdown && this.#addon.shutdown(shutdownPoweroff),
    ]);
  }

  #createServer(name: string): void {
    if (this.#servers.has(name)) {
      throw new LabError(`there is a server ${name} already`, { blame: 'scenario', code: 'SERVER_EXISTS' });
    }
    const { guest } = this.#setup;
    const host = new ServerHost(this.#addon, this.#workers, ({ kind, region, message }) => {
      const event: AgentEvent =
        kind === 'threw'
          ? { event: 'handlerThrew', guest, server: name, region, message }
          : kind === 'stuck'
            ? { event: 'handlerStuck', guest, server: name, region }
            : { event: 'serverFailed', guest, server: name, message };
      send({ event });
    });
    this.#servers.set(name, host);
  }

  #server(name: string): ServerHost {
    const server = this.#servers.get(name);
    if (server !== undefined) return server;
    throw new LabError(`there is no server ${name}`, { blame: 'scenario', code: 'SERVER_UNKNOWN' });
  }

  async #closeServers(): Promise<[unknown, readonly Uint8Array[]]> {
    const servers: object[] = [];
    const traces: Uint8Array[] = [];
    const hosts = [...this.#servers];
    this.#servers.clear();
    await inOrder(
      hosts.map(([server, host]) => async () => {
        const { xenId, counters, trace } = await host.close();
        servers.push({ server, xenId, counters });
        traces.push(trace);
      }),
    );
    return [{ servers }, traces];
  }

  async #execute(
    request: Extract<GuestRequest, { do: 'execute' }>,
    blobs: readonly Uint8Array[],
  ): Promise<readonly Uint8Array[]> {
    // Without a deadline of its own: the orchestrator has one, and ends the guest when it is over.
    const { signal } = new AbortController();
    await this.#control.idle(request.start, signal);
    request.writes.forEach((address, i) => this.#memory.writeBytes(address, blobs[i] ?? new Uint8Array()));
    const look = setInterval(() => {
      for (const server of this.#servers.values()) server.checkWatchdog();
    }, watchdogLookMs);
    const poke = setInterval(() => this.#control.poke(), pokeMs);
    try {
      this.#control.start(request.start);
      await this.#control.idle(request.start, signal);
    } finally {
      clearInterval(look);
      clearInterval(poke);
    }
    for (const server of this.#servers.values()) server.checkWatchdog();
    return request.reads.map(({ address, length }) => this.#memory.readBytes(address, length));
  }
}

/** Takes one step after the other, all of them; then throws what the first one threw that did. */
async function inOrder(steps: readonly (() => unknown)[]): Promise<void> {
  const failures: unknown[] = [];
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}

/** The entry of a guest's device-model process, started by the agent with an IPC channel. */
export function runDeviceModelProcess(): void {
  let deviceModel: DeviceModel | undefined;
  let isEnding = false;

  const end = async (code: number, shutdown: boolean): Promise<void> => {
    if (isEnding) return;
    isEnding = true;
    try {
      await deviceModel?.close(shutdown);
    } catch (error) {
      send({ event: { event: 'log', level: 'warn', message: `closing: ${messageOf(error)}` } });
    }
    process.exit(code);
  };
  const reply = async (message: ToDeviceModel): Promise<void> => {
    const id = 'setup' in message ? -1 : message.id;
    try {
      if ('setup' in message) {
        deviceModel = new DeviceModel(message.setup);
        send({ id, ok: true, result: {}, blobs: [] });
      } else {
        if (deviceModel === undefined) throw new Error('a request before the set-up');
        const [result, blobs] = await deviceModel.handle(message.request, message.blobs);
        send({ id, ok: true, result, blobs });
      }
    } catch (error) {
      send({ id, ok: false, error: toWire(error) });
    }
  };

  process.on('message', (message: ToDeviceModel) => void reply(message));
  // The agent is gone: so the guest has no use any more.
  process.on('disconnect', () => void end(0, true));
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => void end(0, false));
  process.on('uncaughtException', (error) => {
    send({ event: { event: 'log', level: 'error', message: `device model: ${error.stack ?? error.message}` } });
    void end(1, false);
  });
}
