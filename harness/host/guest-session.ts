import {
  decodeResults,
  encodeProgram,
  ProgramBuilder,
  resultBytes,
  SCRATCH,
  WINDOW,
  windowAddress,
  type Program,
  type ProgramResults,
} from '../../guests/program/index.ts';
import {
  attachResultSchema,
  closeServersResultSchema,
  createServerResultSchema,
  dmOpsResultSchema,
  faultsResultSchema,
  probedResultSchema,
  showClockResultSchema,
  useDeviceResultSchema,
  type Environment,
  type GuestRequest,
  type Request,
} from '../../src/agent/protocol.ts';
import type { Device } from '../../src/device/index.ts';
import { LabError } from '../../src/errors.ts';
import type { DeviceState } from '../../src/server/attach-device.ts';
import type { ProbedAccess, ProbeOutcome, ProbeStep } from '../../src/server/dm-op-probe.ts';
import type { FaultSeen, FaultSetup, FaultStep } from '../../src/server/fault-step.ts';
import type { ServerOptions, Waiting } from '../../src/server/server-options.ts';
import type { WorkerCounters } from '../../src/server/server-worker.ts';
import type { AgentReply, Requester } from './agent-connection.ts';
import { clockProgram, offsetOf, type ClockOffset } from './clock-exchange.ts';

/** A program, or what builds one. */
export type ProgramSource = Program | ((program: ProgramBuilder) => ProgramBuilder);

/** What a server left when it was closed. */
export interface ServerReport {
  /** Its name, as the scenario gave it. */
  readonly server: string;
  /** Xen's id. */
  readonly xenId: number;
  /** What its workers counted; missing when none served it, or a handler never returned. */
  readonly counters: WorkerCounters | undefined;
  /** Records for `readTrace` of src/trace. */
  readonly trace: Uint8Array;
}

/** Which guest it is. */
export interface GuestIdentity {
  /** Unique on its host in this run. */
  readonly name: string;
  /** Xen's id of the domain. */
  readonly domid: number;
  /** `hvm`: with QEMU beside our device model; `pvh`: with ours alone. */
  readonly environment: Environment;
  /** How many it has. */
  readonly vcpus: number;
}

type Survive = Extract<Request, { do: 'survive' }>;

/** A guest, and its device-model process in dom0. */
export class GuestSession implements GuestIdentity {
  readonly name: string;
  readonly domid: number;
  readonly environment: Environment;
  readonly vcpus: number;
  readonly #agent: Requester<Survive | GuestRequest>;
  #sequence: number;
  #running = 0;
  /** Settles when the program that was sent last has run. */
  #last: Promise<void> = Promise.resolve();
  /** Told of every run before it starts: its programs, by vCPU. */
  onRun: ((programs: readonly Program[]) => void) | undefined;
  /** Told of every run that has ended, before its caller is. */
  onRan: ((programs: readonly Program[], results: readonly ProgramResults[]) => void) | undefined;

  constructor(agent: Requester<Survive | GuestRequest>, identity: GuestIdentity) {
    this.#agent = agent;
    this.name = identity.name;
    this.domid = identity.domid;
    this.environment = identity.environment;
    this.vcpus = identity.vcpus;
    // Another session may have numbered runs of this guest before: far away from those.
    this.#sequence = Math.floor(Math.random() * 0x7fff_0000);
  }

  /** True while a program runs, also one that nobody waits for any more. */
  get isBusy(): boolean {
    return this.#running > 0;
  }

  /** Runs a program on vCPU 0. Throws what {@link GuestSession.runAll} does. */
  async run(source: ProgramSource, signal?: AbortSignal): Promise<ProgramResults> {
    const [results] = await this.runAll([source], signal);
    return results as ProgramResults;
  }

  /**
   * Runs one program per vCPU at the same time, the first on vCPU 0; waits for programs that were started before.
   *
   * @throws LabError `PROGRAM_INVALID` with blame `scenario`; `GUEST_GONE`, `GUEST_REFUSED_PROGRAM`, `GUEST_RESULTS_INVALID`
   * with blame `guest`; `DEVICE_MODEL_GONE` with blame `deviceModel`; `AGENT_LOST` with blame `host`; the signal's reason
   */
  async runAll(sources: readonly ProgramSource[], signal?: AbortSignal): Promise<ProgramResults[]> {
    this.checkCount(sources.length);
    const sequence = ++this.#sequence;
    const programs = sources.map((source) =>
      typeof source === 'function' ? source(new ProgramBuilder()).build() : source,
    );
    this.onRun?.(programs);
    const participants = (1 << programs.length) - 1;
    const blobs = programs.map((program, vcpu) => encodeProgram(program, { sequence, vcpu, participants }));
    this.#running++;
    const request: GuestRequest = {
      do: 'execute',
      guest: this.name,
      writes: programs.map((_, vcpu) => windowAddress(vcpu) + WINDOW.programOffset),
      start: programs.map((_, vcpu) => vcpu),
      reads: programs.map((program, vcpu) => ({
        address: windowAddress(vcpu) + WINDOW.resultOffset,
        length: resultBytes(program),
      })),
    };
    // One after the other: all programs go to the same place. Not given the signal: the reply says when the guest is
    // idle again.
    const running = this.#last.then(async () => await this.#agent.request(request, blobs));
    this.#last = running.then(
      () => void this.#running--,
      () => undefined, // the guest is lost: busy for ever
    );
    const { blobs: windows } = await withSignal(running, signal);
    const results = programs.map((program, vcpu) =>
      decodeResults(windows[vcpu] ?? new Uint8Array(), program, { sequence, vcpu }),
    );
    this.onRan?.(programs, results);
    return results;
  }

  protected checkCount(programs: number): void {
    if (programs >= 1 && programs <= this.vcpus) return;
    throw new LabError(`${programs} programs for a guest of ${this.vcpus} vCPUs`, {
      blame: 'scenario',
      code: 'PROGRAM_INVALID',
    });
  }

  /**
   * A copy of guest-physical memory.
   *
   * @throws LabError where the guest has none
   */
  async readMemory(address: number, length: number): Promise<Uint8Array> {
    const { blobs } = await this.#agent.request({ do: 'readMemory', guest: this.name, address, length });
    return blobs[0] ?? new Uint8Array();
  }

  /**
   * Writes guest-physical memory: from dom0, not by the guest.
   *
   * @throws LabError where the guest has none
   */
  async writeMemory(address: number, bytes: Uint8Array): Promise<void> {
    await this.#agent.request({ do: 'writeMemory', guest: this.name, address }, [bytes]);
  }

  /**
   * Measures how far dom0's TSC is ahead of vCPU 0's.
   *
   * @param page a page of scratch memory, which is written to; default: the last
   * @throws LabError `CLOCK_NOT_SHOWN`, `CLOCK_UNSTEADY`
   */
  async clockOffset(page: number = Number(SCRATCH.end) - 4096): Promise<ClockOffset> {
    await this.writeMemory(page, new Uint8Array(4096));
    const showing = this.#agent.request({ do: 'showClock', guest: this.name, address: page });
    const [results, { result }] = await Promise.all([this.run(clockProgram(page)), showing]);
    return offsetOf(results, showClockResultSchema.parse(result).atMost);
  }

  /** Whether the guest lives on, with another device-model process, when that process dies. */
  async survive(survives: boolean): Promise<void> {
    await this.#agent.request({ do: 'survive', guest: this.name, survives });
  }

  /** Creates an ioreq server. Gives Xen's id. @throws LabError `SERVER_OPTIONS_CONFLICT`, `REQUEST_INVALID` */
  async createServer(server: string, options?: ServerOptions): Promise<number> {
    const request = { do: 'createServer', guest: this.name, server, ...(options && { options }) } as const;
    return createServerResultSchema.parse((await this.#agent.request(request)).result).xenId;
  }

  /** Changes how a server waits for requests. */
  async setWaiting(server: string, waiting: Waiting): Promise<void> {
    await this.#agent.request({ do: 'setWaiting', guest: this.name, server, waiting });
  }

  /** Says what a name stands for that {@link attach} gets. Dom0 knows: it has all devices in its bundle. */
  know(_device: Pick<Device, 'name'>): void {}

  /** What it was asked for and cannot do, if anything: then what was seen says nothing. Only on the model. */
  get limit(): LabError | undefined {
    return undefined;
  }

  /** Makes a device on a server; accesses reach it when this resolves. Gives its number there. */
  async attach(
    server: string,
    device: string,
    options: unknown,
    at: Readonly<Record<string, number>>,
  ): Promise<number> {
    const request = { do: 'attach', guest: this.name, server, device, options, at: { ...at } } as const;
    return attachResultSchema.parse((await this.#agent.request(request)).result).device;
  }

  /** Has a device do what it may be able to. Gives what `snapshot` gave. */
  async useDevice(
    server: string,
    device: number,
    ability: 'reset' | 'snapshot' | 'restore',
    state?: DeviceState,
  ): Promise<DeviceState | undefined> {
    const request: GuestRequest = {
      ...{ do: 'useDevice', guest: this.name, server, device, ability },
      ...(state && { state: { state: state.state, functions: mutable(state.functions) } }),
    };
    return useDeviceResultSchema.parse((await this.#agent.request(request)).result).state;
  }

  /** Lets the C yardstick serve a server, with a 4-byte register at each port and guest address. */
  async attachReference(
    server: string,
    ports: readonly number[],
    addresses?: readonly number[],
    scans?: number,
  ): Promise<void> {
    const registers = { ports: [...ports], ...(addresses && { addresses: [...addresses] }), ...(scans && { scans }) };
    await this.#agent.request({ do: 'attachReference', guest: this.name, server, ...registers });
  }

  /** Lets a native thread answer every access that reaches a server with one value. */
  async attachConstant(server: string, value: number): Promise<void> {
    await this.#agent.request({ do: 'attachConstant', guest: this.name, server, value });
  }

  /** The newest records of a server so far, at most `last` of them, or from a sequence on, for `readTrace` of src/trace. */
  async trace(server: string, last?: number, from?: number): Promise<Uint8Array> {
    const wanted = { ...(last !== undefined && { last }), ...(from !== undefined && { from }) };
    const { blobs } = await this.#agent.request({ do: 'trace', guest: this.name, server, ...wanted });
    return blobs[0] ?? new Uint8Array();
  }

  /** Closes a server in order and brings back what it saw. @throws LabError `SERVER_UNKNOWN` */
  async closeServer(server: string): Promise<ServerReport> {
    const [report] = reportsOf(await this.#agent.request({ do: 'closeServer', guest: this.name, server }));
    if (report === undefined) throw new Error('unreachable: a server was closed without a report');
    return report;
  }

  /**
   * Makes operations of a device model on the guest exactly as they are given, each whatever came of the ones before. Servers
   * made thereby answer programs that run, see `probeAnswer`, once they are enabled and their page was got, until
   * {@link endProbe}.
   */
  async dmOps(steps: readonly ProbeStep[]): Promise<ProbeOutcome[]> {
    const { result } = await this.#agent.request({
      do: 'dmOps',
      guest: this.name,
      steps: steps.map(({ op, args }) => ({
        op,
        args: args.map((arg) => `0x${BigInt.asUintN(64, arg).toString(16)}`),
      })),
    });
    return dmOpsResultSchema
      .parse(result)
      .outcomes.map((one) => (one.ok ? { ok: true, values: one.values.map(BigInt) } : one));
  }

  /** What has come to the servers of {@link dmOps} since the last call. */
  async takeProbed(): Promise<ProbedAccess[]> {
    const { result } = await this.#agent.request({ do: 'takeProbed', guest: this.name });
    return probedResultSchema.parse(result).seen.map(({ request: { addr, data, ...rest }, ...place }) => ({
      ...place,
      request: { ...rest, addr: BigInt(addr), data: BigInt(data) },
    }));
  }

  /** Destroys the servers of {@link dmOps}. */
  async endProbe(): Promise<void> {
    await this.#agent.request({ do: 'endProbe', guest: this.name });
  }

  /** Makes a server that misbehaves, in the place of one that there was. */
  async startFaults({ ranges, buffered, scripts }: FaultSetup): Promise<void> {
    await this.#agent.request({
      ...{ do: 'startFaults', guest: this.name },
      ranges: ranges.map(({ kind, start, end }) => ({ kind, start: hex(start), end: hex(end) })),
      scripts: scripts.map(wireSteps),
      ...(buffered && { buffered }),
    });
  }

  /** Has it make steps on a vCPU's slot, without a request. */
  async makeFaults(vcpu: number, steps: readonly FaultStep[]): Promise<void> {
    await this.#agent.request({ do: 'makeFaults', guest: this.name, vcpu, steps: wireSteps(steps) });
  }

  /** What has come to it since the last call, once its steps are made. */
  async takeFaults(): Promise<FaultSeen[]> {
    const { result } = await this.#agent.request({ do: 'takeFaults', guest: this.name });
    return faultsResultSchema.parse(result).seen.map(({ request, ...rest }) => ({
      ...rest,
      ...(request && { request: { ...request, addr: BigInt(request.addr), data: BigInt(request.data) } }),
    }));
  }

  /** Destroys it. */
  async endFaults(): Promise<void> {
    await this.#agent.request({ do: 'endFaults', guest: this.name });
  }

  /** Closes all servers in order and brings back what they saw. */
  async closeServers(): Promise<ServerReport[]> {
    return reportsOf(await this.#agent.request({ do: 'closeServers', guest: this.name }));
  }
}

const hex = (value: bigint): string => `0x${BigInt.asUintN(64, value).toString(16)}`;

type WireSteps = Extract<GuestRequest, { do: 'makeFaults' }>['steps'];

function wireSteps(steps: readonly FaultStep[]): WireSteps {
  return steps.map((step) => {
    if (step.do === 'field') return { ...step, value: hex(step.value) };
    if (step.do === 'answer') return { ...step, data: hex(step.data) };
    return step;
  });
}

const mutable = (functions: DeviceState['functions']): Record<string, number[]> =>
  Object.fromEntries(Object.entries(functions).map(([name, bytes]) => [name, [...bytes]]));

function reportsOf({ result, blobs }: AgentReply): ServerReport[] {
  return closeServersResultSchema.parse(result).servers.map(({ server, xenId, counters }, i) => ({
    server,
    xenId,
    counters,
    trace: blobs[i] ?? new Uint8Array(),
  }));
}

/** The promise's value, or the signal's reason if that comes first. */
async function withSignal<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await promise;
  signal.throwIfAborted();
  return await new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
