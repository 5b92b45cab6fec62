import { frameBytes } from '../abi/ioreq.ts';
import { LabError, messageOf } from '../errors.ts';
import { ControlServer } from '../server/control-server.ts';
import { FaultServer } from '../server/fault-server.ts';
import type { FaultStep } from '../server/fault-step.ts';
import { DmOpProbe } from '../server/dm-op-probe.ts';
import { GuestMemory } from '../server/guest-memory.ts';
import { ServerHost, type ServerTrouble } from '../server/server-host.ts';
import type { ServerOptions } from '../server/server-options.ts';
import { WorkerPool, type WorkerLender } from '../server/worker-pool.ts';
import { recordsFrom, traceRecordBytes } from '../trace/record.ts';
import { toWire } from '../wire-error.ts';
import { loadAddon, type Addon } from '../xen/addon.ts';
import type { Inheritance } from './inheritance.ts';
import type { AgentEvent, Environment, GuestRequest } from './protocol.ts';

/** What the agent starts a guest's device-model process with. */
export interface DeviceModelSetup {
  readonly guest: string;
  readonly domid: number;
  readonly vcpus: number;
  readonly environment: Environment;
  readonly controlPort: number;
  readonly addonFile: string;
  /** The bundle that the process and its workers run. */
  readonly workerFile: string;
  /** Whom the process becomes, uid and gid, when its handles are open; missing: it stays who it is, with all its rights. */
  readonly user?: number | undefined;
  /** Xen's ids of the servers that were there before any of ours: QEMU's. */
  readonly foreign: readonly number[];
  /** What is left of the process before this one. */
  readonly inheritance?: Inheritance | undefined;
}

/** From the agent: first the set-up, then requests. */
export type ToDeviceModel =
  | { readonly setup: DeviceModelSetup }
  | {
      readonly id: number;
      readonly request: GuestRequest;
      readonly blobs: readonly Uint8Array[];
      /** A process that has died was asked already, and may have done some of it. */
      readonly isRepeated: boolean;
    };

/** What the set-up is answered with. */
export interface DeviceModelSetupResult {
  /** Xen's id of the control server. */
  readonly control: number;
}

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
/** MAX_NR_IOREQ_SERVERS of Xen's x86/hvm/domain.h. */
const maxServers = 8;
/** How often idle vCPUs are let ask anew while others run: rarely, since it disturbs what is measured. */
const pokeMs = 3_000;

/** How often the clock is shown without looking at anything else, and how often that at most. */
const clockTurns = 500;
const clockBatches = 2_000;
/** Where the guest sees that it was enough: harness/host/clock-exchange.ts. */
const clockStopOffset = 128;

const hex = (value: bigint): string => `0x${value.toString(16)}`;

function send(message: FromDeviceModel): void {
  if (process.connected) process.send?.(message);
}

/** What a {@link DeviceModel} stands on: in its process the native addon, worker threads and the agent. */
export interface DeviceModelBase {
  readonly addon: Addon;
  readonly workers: WorkerLender;
  send(message: FromDeviceModel): void;
}

/** One guest's device models: its servers, and the control server through which it gets work. */
export class DeviceModel {
  readonly #setup: DeviceModelSetup;
  readonly #addon: Addon;
  readonly #memory: GuestMemory;
  readonly #control: ControlServer;
  readonly #workers: WorkerLender;
  readonly #send: DeviceModelBase['send'];
  readonly #probe: DmOpProbe;
  readonly #servers = new Map<string, ServerHost>();
  #faults: FaultServer | undefined;
  /** Of programs that run. */
  readonly #timers = new Set<NodeJS.Timeout>();

  constructor(setup: DeviceModelSetup, { addon, workers, send }: DeviceModelBase) {
    this.#setup = setup;
    this.#addon = addon;
    this.#workers = workers;
    this.#send = send;
    this.#addon.open(setup.domid, setup.vcpus);
    if (setup.environment === 'hvm') this.#addon.allowIsaInterrupts();
    this.#addon.startWatchdog(watchdogMs);
    this.#memory = new GuestMemory(this.#addon);
    this.#endOrphans();
    this.#control = new ControlServer(this.#addon, setup.controlPort, setup.inheritance?.control);
    this.#probe = new DmOpProbe(this.#addon, setup.vcpus);
    if (setup.user !== undefined) this.#addon.restrictProcess(setup.user, maxServers * setup.vcpus);
  }

  /** Takes over what there is to take over. */
  async setUp(): Promise<DeviceModelSetupResult> {
    const { servers = [], isTrusted = true } = this.#setup.inheritance ?? {};
    const present = this.#addon.serversOf(this.#setup.domid);
    for (const { xenId, requests } of servers) {
      // The process died while it was closing them.
      if (!present.includes(xenId)) continue;
      for (const request of requests) {
        if (request.do === 'createServer') {
          const host = this.#createServer(request.server, request.options, xenId);
          if (!isTrusted) host.disown();
          await host.inherit(requests.filter((other) => other.do === 'attach'));
        } else if (request.do !== 'attach') await this.handle(request, []);
      }
    }
    return { control: this.#control.xenId };
  }

  /** Closes the servers that a process has made without living to tell: whoever waits in them is answered. */
  #endOrphans(): void {
    const { domid, foreign, inheritance } = this.#setup;
    if (inheritance === undefined) return;
    const known = [...foreign, inheritance.control, ...inheritance.servers.map(({ xenId }) => xenId)];
    for (const xenId of this.#addon.serversOf(domid)) {
      if (known.includes(xenId)) continue;
      const server = this.#addon.adoptServer(xenId);
      this.#addon.enableServer(server, false);
      this.#addon.closeServer(server);
    }
  }

  /** @param isRepeated a process that has died was asked already, and may have done some of it */
  async handle(
    request: GuestRequest,
    blobs: readonly Uint8Array[],
    isRepeated = false,
  ): Promise<[unknown, readonly Uint8Array[]]> {
    switch (request.do) {
      case 'createServer':
        return [{ xenId: this.#createServer(request.server, request.options).xenId }, []];
      case 'setWaiting':
        this.#server(request.server).setWaiting(request.waiting);
        return [{}, []];
      case 'attach':
        return [{ device: await this.#server(request.server).attach(request.device, request.options, request.at) }, []];
      case 'useDevice': {
        const { server, device, ability, state } = request;
        return [{ state: await this.#server(server).use(device, ability, state) }, []];
      }
      case 'attachReference':
        this.#server(request.server).attachReference(request.ports, request.addresses, request.scans);
        return [{}, []];
      case 'attachConstant':
        this.#server(request.server).attachConstant(request.value);
        return [{}, []];
      case 'trace':
        return [{}, [newest(recordsFrom(this.#server(request.server).readTrace(), request.from), request.last)]];
      case 'closeServer':
        // Who died over it may have closed it.
        return this.#closeServers(isRepeated && !this.#servers.has(request.server) ? [] : [request.server]);
      case 'closeServers':
        return this.#closeServers([...this.#servers.keys()]);
      case 'execute':
        return [{}, await this.#execute(request, blobs, isRepeated)];
      case 'readMemory':
        return [{}, [this.#memory.readExisting(request.address, request.length)]];
      case 'writeMemory':
        for (const blob of blobs) this.#memory.writeExisting(request.address, blob);
        return [{}, []];
      case 'showClock':
        return [{ atMost: await this.#showClock(request.address) }, []];
      case 'dmOps': {
        const steps = request.steps.map(({ op, args }) => ({ op, args: args.map(BigInt) }));
        const outcomes = this.#probe.run(steps);
        return [{ outcomes: outcomes.map((one) => (one.ok ? { ...one, values: one.values.map(hex) } : one)) }, []];
      }
      case 'takeProbed': {
        const seen = this.#probe.takeSeen().map(({ request: { addr, data, ...rest }, ...place }) => ({
          ...place,
          request: { ...rest, addr: hex(addr), data: hex(data) },
        }));
        return [{ seen }, []];
      }
      case 'endProbe':
        this.#probe.close();
        return [{}, []];
      case 'startFaults': {
        await this.#endFaults();
        const ranges = request.ranges.map(({ kind, start, end }) => ({ kind, start: BigInt(start), end: BigInt(end) }));
        const scripts = request.scripts.map(stepsOf);
        this.#faults = new FaultServer(this.#addon, this.#setup.vcpus, { ranges, scripts, buffered: request.buffered });
        return [{}, []];
      }
      case 'makeFaults':
        await this.#faultServer().make(request.vcpu, stepsOf(request.steps));
        return [{}, []];
      case 'takeFaults': {
        const seen = (await this.#faultServer().takeSeen()).map(({ request: one, ...rest }) => ({
          ...rest,
          ...(one && { request: { ...one, addr: hex(one.addr), data: hex(one.data) } }),
        }));
        return [{ seen }, []];
      }
      case 'endFaults':
        await this.#endFaults();
        return [{}, []];
    }
  }

  #faultServer(): FaultServer {
    if (this.#faults !== undefined) return this.#faults;
    throw new LabError('there is no server that misbehaves', { blame: 'scenario', code: 'SERVER_UNKNOWN' });
  }

  async #endFaults(): Promise<void> {
    const faults = this.#faults;
    this.#faults = undefined;
    await faults?.close();
  }

  /** Ends everything in order; the guest is told to go if it is to go with us. */
  async close(shutdown: boolean): Promise<void> {
    // Of a program that never came to its end.
    this.#stop([...this.#timers]);
    await inOrder([
      () => this.#probe.close(),
      async () => await this.#endFaults(),
      async () => void (await this.#closeServers([...this.#servers.keys()])),
      () => this.#memory.drop(),
      () => this.#control[Symbol.dispose](),
      () => shutdown && this.#addon.shutdown(shutdownPoweroff),
    ]);
  }

  #createServer(name: string, options: ServerOptions | undefined, inherited?: number): ServerHost {
    if (this.#servers.has(name)) {
      throw new LabError(`there is a server ${name} already`, { blame: 'scenario', code: 'SERVER_EXISTS' });
    }
    const { guest } = this.#setup;
    const trouble = ({ kind, region, message }: ServerTrouble): void => {
      const event: AgentEvent =
        kind === 'threw'
          ? { event: 'handlerThrew', guest, server: name, region, message }
          : kind === 'stuck'
            ? { event: 'handlerStuck', guest, server: name, region }
            : { event: 'serverFailed', guest, server: name, message };
      this.#send({ event });
    };
    const host = new ServerHost(this.#addon, this.#workers, trouble, options, inherited);
    this.#servers.set(name, host);
    return host;
  }

  #server(name: string): ServerHost {
    const server = this.#servers.get(name);
    if (server !== undefined) return server;
    throw new LabError(`there is no server ${name}`, { blame: 'scenario', code: 'SERVER_UNKNOWN' });
  }

  async #closeServers(names: readonly string[]): Promise<[unknown, readonly Uint8Array[]]> {
    const servers: object[] = [];
    const traces: Uint8Array[] = [];
    const hosts = names.map((name) => [name, this.#server(name)] as const);
    for (const name of names) this.#servers.delete(name);
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
    isRepeated: boolean,
  ): Promise<readonly Uint8Array[]> {
    // Without a deadline of its own: the orchestrator has one, and ends the guest when it is over.
    const { signal } = new AbortController();
    if (!isRepeated) await this.#control.idle(request.start, signal);
    // The same bytes when it is repeated: who runs the program already does not notice.
    request.writes.forEach((address, i) => this.#memory.writeExisting(address, blobs[i] ?? new Uint8Array()));
    const look = setInterval(() => {
      for (const server of this.#servers.values()) server.checkWatchdog();
    }, watchdogLookMs);
    const poke = setInterval(() => this.#control.poke(), pokeMs);
    const timers = [look, poke];
    for (const timer of timers) this.#timers.add(timer);
    try {
      if (isRepeated) await this.#startRest(request.start, signal);
      else this.#control.start(request.start);
      const idle = this.#control.idle(request.start, signal);
      await this.#probe.serveUntil(idle);
      await idle;
    } finally {
      this.#stop(timers);
    }
    for (const server of this.#servers.values()) server.checkWatchdog();
    return request.reads.map(({ address, length }) => this.#memory.readExisting(address, length));
  }

  /** With a program that shows the guest's clock in the same page, and ends when it is told to. */
  async #showClock(address: number): Promise<number> {
    const page = this.#addon.mapMemory(Math.floor(address / frameBytes), 1);
    const stop = new BigUint64Array(page, clockStopOffset, 1);
    let atMost = Infinity;
    try {
      // The guest may come a little later. When it is there, one more batch of turns that it has seen from the first on.
      for (let batch = 0, good = 0; batch < clockBatches && good < 2; batch++) {
        const least = this.#addon.showClock(page, clockTurns);
        if (least !== Infinity) good++;
        atMost = Math.min(atMost, least);
        await new Promise((resolve) => void setImmediate(resolve));
      }
    } finally {
      stop[0] = 1n;
      this.#addon.unmapMemory(page);
    }
    if (atMost !== Infinity) return atMost;
    throw new LabError('the guest does not show its clock', { blame: 'guest', code: 'CLOCK_NOT_SHOWN' });
  }

  #stop(timers: readonly NodeJS.Timeout[]): void {
    for (const timer of timers) {
      clearInterval(timer);
      this.#timers.delete(timer);
    }
  }

  /**
   * Starts the vCPUs that were not started. Which those are only they know: each is asked as soon as it asks. They cannot be
   * waited for together, since some may be waiting for others in the middle of the program.
   */
  async #startRest(vcpus: readonly number[], signal: AbortSignal): Promise<void> {
    await Promise.all(
      vcpus.map(async (vcpu) => {
        await this.#control.idle([vcpu], signal);
        this.#control.start([vcpu], true);
      }),
    );
  }
}

function newest(trace: Uint8Array, records = Infinity): Uint8Array {
  return trace.subarray(Math.max(0, trace.length - records * traceRecordBytes));
}

type FaultSteps = Extract<GuestRequest, { do: 'makeFaults' }>['steps'];

/** Numbers of 64 bits as they are no longer text. */
function stepsOf(steps: FaultSteps): FaultStep[] {
  return steps.map((step) => {
    if (step.do === 'field') return { ...step, value: BigInt(step.value) };
    if (step.do === 'answer') return { ...step, data: BigInt(step.data) };
    return step as FaultStep;
  });
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
  let taken: Promise<DeviceModelSetupResult> | undefined;
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
        const { addonFile, workerFile } = message.setup;
        const addon = loadAddon(addonFile);
        deviceModel = new DeviceModel(message.setup, { addon, workers: new WorkerPool(workerFile, addonFile), send });
        taken = deviceModel.setUp();
        send({ id, ok: true, result: await taken, blobs: [] });
      } else {
        if (deviceModel === undefined) throw new Error('a request before the set-up');
        await taken;
        const [result, blobs] = await deviceModel.handle(message.request, message.blobs, message.isRepeated);
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
