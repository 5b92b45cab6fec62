import type { AgentEvent } from '../../src/agent/protocol.ts';
import type { Device, Regions } from '../../src/device/index.ts';
import { LabError } from '../../src/errors.ts';
import type { TraceRange, TraceServer } from '../../src/model/oracle/check-trace.ts';
import { readTrace, type TraceRecord } from '../../src/trace/record.ts';
import type { GuestSession, ServerReport } from '../host/guest-session.ts';

/** How a device is put in place. */
export interface AttachOptions<R extends Regions, O> {
  /** Port or guest-physical address of each region. */
  readonly at: { readonly [K in keyof R]: number };
  /** For the device's `create`; what JSON can hold. Default `{}`. */
  readonly options?: O;
  /**
   * The ioreq server that owns it; made when it is first named. Default `main`. An HVM guest has room for six, since QEMU and
   * the control port have one each; a PVH guest for seven.
   */
  readonly server?: string;
}

const defaultServer = 'main';

/** The device model of a scenario's guest: its servers and devices live as long as the scenario. */
export class DeviceModel {
  readonly #guest: GuestSession;
  readonly #servers = new Map<string, Promise<void>>();
  readonly #layout = new Map<string, TraceRange[]>();
  readonly #troubles: LabError[] = [];
  readonly #closed: ServerReport[] = [];

  constructor(guest: GuestSession) {
    this.#guest = guest;
  }

  /**
   * Makes a device; accesses reach it when this resolves. One kind of device can be attached several times.
   *
   * @throws LabError with blame `scenario`: `DEVICE_UNKNOWN`, `REGION_UNKNOWN`, `REGION_NOT_PLACED`, `REGION_OUT_OF_RANGE`,
   * `REGION_OVERLAP`, `RANGE_REFUSED` when Xen says no; with blame `host`: what a call of libxen failed with
   */
  async attach<R extends Regions, O>(device: Device<R, O>, how: AttachOptions<R, O>): Promise<void> {
    const { at, options = {}, server = defaultServer } = how;
    await this.#need(server);
    this.#guest.know(device);
    await this.#guest.attach(server, device.name, options, at);
    for (const [name, { kind, size }] of Object.entries(device.regions)) this.#place(server, kind, at[name] ?? 0, size);
  }

  /**
   * Makes the C yardstick serve a register of 4 bytes at each port (1 to 256 of them), on a server of its own.
   *
   * @throws LabError `SERVER_IN_USE` when devices are on that server
   */
  async attachReference({ ports, server }: { ports: readonly number[]; server: string }): Promise<void> {
    await this.#need(server);
    await this.#guest.attachReference(server, ports);
    for (const port of ports) this.#place(server, 'port', port, 4);
  }

  /** How long a server looks at its slots before it blocks, in TSC cycles; 0 blocks at once. */
  async setSpin(cycles: number, server: string = defaultServer): Promise<void> {
    await this.#need(server);
    await this.#guest.setSpin(server, cycles);
  }

  /** The servers and what they own, in the order in which they were made. */
  get layout(): readonly TraceServer[] {
    return [...this.#layout].map(([name, ranges]) => ({ name, ranges }));
  }

  /** What a server has seen so far: its newest 16384 requests, oldest first. */
  async trace(server: string = defaultServer): Promise<TraceRecord[]> {
    return readTrace(await this.#guest.trace(server));
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
    } else if (event.event === 'serverFailed') this.#trouble('SERVER_FAILED', event.message);
  }

  /** The first thing that went wrong in dom0, if any. */
  get trouble(): LabError | undefined {
    return this.#troubles[0];
  }

  /** Closes all servers, so that others can take their place. Their traces are kept with the scenario's. */
  async closeServers(): Promise<void> {
    if (this.#servers.size === 0) return;
    this.#servers.clear();
    this.#closed.push(...(await this.#guest.closeServers()));
  }

  /** Closes all servers and brings back what they saw, and those before them. Done after each scenario, which keeps the traces. */
  async close(): Promise<ServerReport[]> {
    await this.closeServers();
    return this.#closed;
  }

  async #need(server: string): Promise<void> {
    const made = this.#servers.get(server) ?? this.#guest.createServer(server);
    this.#servers.set(server, made);
    if (!this.#layout.has(server)) this.#layout.set(server, []);
    await made;
  }

  #place(server: string, kind: TraceRange['kind'], at: number, size: number): void {
    this.#layout.get(server)?.push({ kind, start: BigInt(at), end: BigInt(at) + BigInt(size) - 1n });
  }

  #trouble(code: string, message: string): void {
    this.#troubles.push(new LabError(message, { blame: 'deviceModel', code }));
  }
}
