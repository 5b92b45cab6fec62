import type { AgentEvent } from '../../src/agent/protocol.ts';
import { attachWith, defaultServer, type Attach } from '../../src/device/attach.ts';
import { regionsOf } from '../../src/device/define-device.ts';
import { LabError } from '../../src/errors.ts';
import type { TraceRange, TraceServer } from '../../src/model/oracle/check-trace.ts';
import { readTrace, type TraceRecord } from '../../src/trace/record.ts';
import type { ProbeStep } from '../../src/server/dm-op-probe.ts';
import type { FaultSeen, FaultSetup, FaultStep } from '../../src/server/fault-step.ts';
import type { ServerOptions, Waiting } from '../../src/server/server-options.ts';
import type { RecipeStep } from '../replay/recipe.ts';
import type { GuestSession, ServerReport } from '../host/guest-session.ts';

/** A server as far as the oracle has to know it; the array of its ranges is the same as long as it is there. */
interface LaidOut {
  xenId: number;
  readonly ranges: TraceRange[];
  isEnabled: boolean;
  hasBars: boolean;
}

/** The device model of a scenario's guest: its servers and devices live as long as the scenario. */
export class DeviceModel {
  readonly #guest: GuestSession;
  /** By name, Xen's id of each. */
  readonly #servers = new Map<string, Promise<number>>();
  readonly #layout = new Map<string, LaidOut>();
  readonly #troubles: LabError[] = [];
  /** What servers that were closed left. */
  readonly #closed: ServerReport[] = [];
  #survives = false;
  #misbehaves = false;
  #replacements = 0;
  /** Told of every server that was closed, with all that it saw. */
  onClosed: ((server: TraceServer, trace: Uint8Array) => void) | undefined;

  readonly #onStep: (step: RecipeStep) => void;

  /** @param onStep told of everything that was done and that others could do again */
  constructor(guest: GuestSession, onStep: (step: RecipeStep) => void = () => undefined) {
    this.#guest = guest;
    this.#onStep = onStep;
  }

  /**
   * Makes a device; accesses reach it when this resolves. One kind of device can be attached several times.
   *
   * @throws LabError with blame `scenario`: `DEVICE_UNKNOWN`, `REGION_UNKNOWN`, `REGION_NOT_PLACED`, `REGION_OUT_OF_RANGE`,
   * `REGION_OVERLAP`, `PCI_ADDRESS_INVALID`, `DEVICE_OPTIONS_INVALID`, `RANGE_REFUSED` when Xen says no; with blame `host`:
   * what a call of libxen failed with
   */
  readonly attach: Attach = attachWith({
    attach: async (server, device, options, at) => {
      await this.#need(server);
      this.#guest.know(device);
      const number = await this.#guest.attach(server, device.name, options, at);
      this.#onStep({ do: 'attach', server, device: device.name, options, at });
      for (const [name, claim] of Object.entries(regionsOf(device, options))) {
        this.#place(server, claim.kind, at[name] ?? 0, claim.kind === 'pci' ? 1 : claim.size);
      }
      return number;
    },
    use: async (server, device, ability, state) => await this.#guest.useDevice(server, device, ability, state),
  });

  /**
   * Makes a server with options; one that `attach` names first has the defaults.
   *
   * @throws LabError `SERVER_EXISTS`; `SERVER_OPTIONS_CONFLICT` for a ring together with a worker per vCPU
   */
  async createServer(server: string, options?: ServerOptions): Promise<void> {
    if (this.#servers.has(server)) {
      throw new LabError(`there is a server ${server} already`, { blame: 'scenario', code: 'SERVER_EXISTS' });
    }
    await this.#need(server, options);
  }

  /**
   * Makes the C yardstick serve a register of 4 bytes at each port and guest address (up to 256 of each kind), on a
   * server of its own.
   *
   * @throws LabError `SERVER_IN_USE` when devices are on that server
   */
  async attachReference(how: {
    readonly ports?: readonly number[];
    readonly addresses?: readonly number[];
    readonly server: string;
    /** How often it looks at all registers in vain first, for each request: slower on purpose. Default: 0. */
    readonly scans?: number | undefined;
  }): Promise<void> {
    await this.#need(how.server);
    await this.#guest.attachReference(how.server, how.ports ?? [], how.addresses, how.scans);
    const { ports = [], addresses = [] } = how;
    this.#onStep({ do: 'reference', server: how.server, ports: [...ports], addresses: [...addresses] });
    for (const port of how.ports ?? []) this.#place(how.server, 'port', port, 4);
    for (const address of how.addresses ?? []) this.#place(how.server, 'memory', address, 4);
  }

  /** Makes a native thread answer every access that reaches the server with one value. */
  async attachConstant({ value, server }: { readonly value: number; readonly server: string }): Promise<void> {
    await this.#need(server);
    await this.#guest.attachConstant(server, value);
    this.#onStep({ do: 'constant', server, value });
  }

  /** Changes how a server waits for requests. */
  async setWaiting(waiting: Waiting, server: string = defaultServer): Promise<void> {
    await this.#need(server);
    await this.#guest.setWaiting(server, waiting);
  }

  /**
   * Xen's id of a server. Ids are given from the lowest free one on; of two servers that own a range the one with the higher
   * id gets its accesses.
   */
  async xenId(server: string = defaultServer): Promise<number> {
    return await this.#need(server);
  }

  /**
   * Gives a server ranges, whatever is attached to it: map_io_range_to_ioreq_server or, a function at a time,
   * map_pcidev_to_ioreq_server. What comes to it there and belongs to no device reads all ones.
   *
   * @throws LabError with blame `scenario` and what Xen says of the first one that it refuses as its code: `EEXIST`, `ENOMEM`,
   * `EINVAL`; it has the others then
   */
  async mapRanges(server: string, ...ranges: readonly TraceRange[]): Promise<void> {
    const refused = await this.#changeRanges('map', server, ranges, (owned, range) => owned.push({ ...range }));
    if (refused !== undefined) throw refused;
  }

  /** Takes a server ranges, or parts of them. @throws LabError as {@link mapRanges}; `ENOENT` */
  async unmapRanges(server: string, ...ranges: readonly TraceRange[]): Promise<void> {
    const refused = await this.#changeRanges('unmap', server, ranges, (owned, range) =>
      owned.push(...owned.splice(0).flatMap((one) => without(one, range))),
    );
    if (refused !== undefined) throw refused;
  }

  /** Has Xen ask a server no more, or again: set_ioreq_server_state. Whoever waits in it goes on waiting for its answer. */
  async setEnabled(server: string, isEnabled: boolean): Promise<void> {
    const id = await this.#need(server);
    const step = { op: 'setIoreqServerState', args: [BigInt(id), isEnabled ? 1n : 0n] } as const;
    const [outcome] = await this.#guest.dmOps([step]);
    if (outcome?.ok === false) throw refusal(step, outcome.errno);
    const laidOut = this.#layout.get(server);
    if (laidOut !== undefined) laidOut.isEnabled = isEnabled;
    this.#onStep({ do: 'enable', server, isEnabled });
  }

  /** The servers and what they own, in the order of Xen's ids. */
  get layout(): readonly TraceServer[] {
    return [...this.#layout]
      .sort(([, { xenId: one }], [, { xenId: other }]) => one - other)
      .map(([name, { ranges, isEnabled, hasBars }]) => ({ name, ranges, isEnabled, hasBars }));
  }

  /** What a server has seen so far: its newest 16384 requests, or as many as are wanted, oldest first. */
  async trace(server: string = defaultServer, last?: number): Promise<TraceRecord[]> {
    return readTrace(await this.#guest.trace(server, last));
  }

  /**
   * From now on, when the device-model process dies, another one takes its servers over: the guest goes on, what it waits
   * for is answered by the new process, whose devices have new states. Without it the scenario ends with the verdict that
   * the device model has crashed. Traces begin anew with each process.
   */
  async survive(): Promise<void> {
    this.#survives = true;
    await this.#guest.survive(true);
  }

  /**
   * Makes a server that does with its requests what it is told, whatever Xen will say to it, and answers those for which
   * there is nothing to do. There is one at a time; it has no trace.
   */
  async misbehave(setup: FaultSetup): Promise<void> {
    this.#misbehaves = true;
    await this.#guest.startFaults(setup);
  }

  /** Has it make steps on a vCPU's slot, without a request. */
  async makeFaults(vcpu: number, steps: readonly FaultStep[]): Promise<void> {
    await this.#guest.makeFaults(vcpu, steps);
  }

  /** What has come to it since the last call, once all its steps are made; and what it looked at. */
  async takeFaults(): Promise<FaultSeen[]> {
    return await this.#guest.takeFaults();
  }

  /** Ends it: what waits there is answered. */
  async endFaults(): Promise<void> {
    this.#misbehaves = false;
    await this.#guest.endFaults();
  }

  /** How often the device-model process was replaced so far. */
  get replacements(): number {
    return this.#replacements;
  }

  /** Takes note of what goes wrong in dom0. */
  hear(event: AgentEvent): void {
    if (!('guest' in event) || event.guest !== this.#guest.name) return;
    if (event.event === 'handlerThrew') {
      this.#trouble(
        'HANDLER_THREW',
        `the handler of ${event.region} threw; the access was answered with all ones\n${event.message}`,
      );
    } else if (event.event === 'handlerStuck') {
      this.#trouble(
        'HANDLER_STUCK',
        `the handler of ${event.region} did not return; the watchdog answered in its place`,
      );
    } else if (event.event === 'deviceModelReplaced') this.#replacements++;
    else if (event.event === 'serverFailed') this.#trouble('SERVER_FAILED', event.message);
  }

  /** The first thing that went wrong in dom0, if any. */
  get trouble(): LabError | undefined {
    return this.#troubles[0];
  }

  /** The same, once it is expected: it fails the scenario no more. */
  takeTrouble(): LabError | undefined {
    return this.#troubles.shift();
  }

  /**
   * Closes a server with all that is attached to it, and brings back what it saw. Its name can be used for a new one.
   *
   * @throws LabError `SERVER_UNKNOWN`
   */
  async closeServer(server: string = defaultServer): Promise<ServerReport> {
    const report = await this.#guest.closeServer(server);
    this.#onStep({ do: 'close', server });
    this.#servers.delete(server);
    this.#noteClosed([report]);
    return report;
  }

  /** Closes all servers, so that others can take their place. Their traces are kept with the scenario's. */
  async closeServers(): Promise<void> {
    if (this.#servers.size === 0) return;
    await this.#closeAll();
    this.#onStep({ do: 'close' });
  }

  /** Closes all servers and brings back what they saw, and those before them. Done after each scenario, which keeps the traces. */
  async close(): Promise<ServerReport[]> {
    if (this.#misbehaves) await this.endFaults();
    if (this.#survives) await this.#guest.survive(false);
    // No step of the scenario's.
    if (this.#servers.size > 0) await this.#closeAll();
    return this.#closed;
  }

  async #closeAll(): Promise<void> {
    this.#servers.clear();
    this.#noteClosed(await this.#guest.closeServers());
  }

  async #need(server: string, options?: ServerOptions): Promise<number> {
    const known = this.#servers.get(server);
    const made = known ?? this.#guest.createServer(server, options);
    this.#servers.set(server, made);
    const xenId = await made;
    if (known === undefined) this.#onStep({ do: 'server', server, options });
    if (!this.#layout.has(server)) {
      this.#layout.set(server, { xenId, ranges: [], isEnabled: true, hasBars: false });
    }
    return xenId;
  }

  /** Makes all changes, and notes those that Xen has made; gives what the first one was refused with that was. */
  async #changeRanges(
    what: 'map' | 'unmap',
    server: string,
    ranges: readonly TraceRange[],
    note: (owned: TraceRange[], range: TraceRange) => void,
  ): Promise<LabError | undefined> {
    const id = BigInt(await this.#need(server));
    const steps = ranges.map((range) => rangeStep(what, id, range));
    const owned = this.#layout.get(server)?.ranges ?? [];
    let refused: LabError | undefined;
    for (const [i, outcome] of (await this.#guest.dmOps(steps)).entries()) {
      const [step, range] = [steps[i], ranges[i]];
      if (step === undefined || range === undefined) break;
      if (outcome.ok) {
        note(owned, range);
        this.#onStep({ do: what, server, range: { ...range } });
      } else refused ??= refusal(step, outcome.errno);
    }
    return refused;
  }

  #place(server: string, kind: TraceRange['kind'], at: number, size: number): void {
    const layout = this.#layout.get(server);
    layout?.ranges.push({ kind, start: BigInt(at), end: BigInt(at) + BigInt(size) - 1n });
    if (layout !== undefined && kind === 'pci') layout.hasBars = true;
  }

  #noteClosed(reports: readonly ServerReport[]): void {
    this.#closed.push(...reports);
    for (const { server, trace } of reports) {
      const layout = this.#layout.get(server);
      this.#layout.delete(server);
      if (layout !== undefined) this.onClosed?.({ name: server, ...layout }, trace);
    }
  }

  #trouble(code: string, message: string): void {
    this.#troubles.push(new LabError(message, { blame: 'deviceModel', code }));
  }
}

function rangeStep(what: 'map' | 'unmap', id: bigint, { kind, start, end }: TraceRange): ProbeStep {
  if (kind !== 'pci') return { op: `${what}IoRange`, args: [id, kind === 'memory' ? 1n : 0n, start, end] };
  if (start !== end) throw new RangeError('libxendevicemodel maps one PCI function at a time');
  return { op: `${what}Pcidev`, args: [id, start >> 16n, (start >> 8n) & 0xffn, (start >> 3n) & 0x1fn, start & 7n] };
}

function refusal({ op, args }: ProbeStep, errno: string): LabError {
  const words = args.map((arg) => `0x${arg.toString(16)}`).join(', ');
  return new LabError(`Xen refuses ${op}(${words}): ${errno}`, { blame: 'scenario', code: errno });
}

/** What is left of a range when a part is taken away. */
function without(range: TraceRange, { kind, start, end }: TraceRange): TraceRange[] {
  if (range.kind !== kind || range.end < start || range.start > end) return [range];
  return [
    ...(range.start < start ? [{ kind, start: range.start, end: start - 1n }] : []),
    ...(range.end > end ? [{ kind, start: end + 1n, end: range.end }] : []),
  ];
}
