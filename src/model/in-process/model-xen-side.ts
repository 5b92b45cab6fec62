import type { DmOpName } from '../../xen/dm-op.ts';
import { callByName } from '../xen/dm-op-call.ts';
import type { Domain } from '../xen/domain.ts';
import type { GuestRam } from './guest-ram.ts';
import type { EventChannels, XenSide } from './xen-side.ts';

/** Xen as a device-model process in dom0 sees it, by the model of src/model/xen. */
export class ModelXenSide implements XenSide {
  readonly domid: number;
  readonly vcpus: number;
  /** Of public/sched.h; undefined while nobody has shut the guest down. */
  shutdownReason: number | undefined;
  readonly #domain: Domain;
  readonly #ram: GuestRam;
  readonly #calls: ReturnType<Domain['callsOf']>;

  constructor(domain: Domain, ram: GuestRam) {
    this.#domain = domain;
    this.#ram = ram;
    this.#calls = domain.callsOf();
    this.domid = domain.domid;
    this.vcpus = domain.vcpus;
  }

  nrVcpus(): number {
    return this.#calls.nrVcpus();
  }

  createIoreqServer(bufioreqHandling: number): number {
    return this.#calls.createIoreqServer(bufioreqHandling);
  }

  serversOfDom0(): number[] {
    return this.#domain.servers.all.filter(({ emulator }) => emulator === 0).map(({ id }) => id);
  }

  destroyIoreqServer(id: number): void {
    this.#calls.destroyIoreqServer(id);
  }

  setIoreqServerState(id: number, enabled: boolean): void {
    this.#calls.setIoreqServerState(id, enabled ? 1 : 0);
  }

  mapIoRange(id: number, kind: number, start: number, end: number): void {
    this.#calls.mapIoRange(id, kind, start, end);
  }

  unmapIoRange(id: number, kind: number, start: number, end: number): void {
    this.#calls.unmapIoRange(id, kind, start, end);
  }

  mapResource(id: number, frame: number): ArrayBuffer {
    return this.#calls.acquireResource(id, frame);
  }

  bufferedPort(id: number): number {
    return this.#calls.getIoreqServerInfo(id, false).bufferedPort ?? 0;
  }

  openChannels(): EventChannels {
    return new ModelChannels(this.#domain);
  }

  frame(gfn: number): ArrayBuffer | undefined {
    return this.#ram.frame(gfn);
  }

  dmOp(op: DmOpName, args: readonly bigint[]): bigint[] {
    return callByName(this.#calls, op, args);
  }

  setIsaIrqLevel(irq: number, level: number): void {
    this.#calls.setIsaIrqLevel(irq, level);
  }

  setPciIntxLevel(device: number, line: number, level: number): void {
    this.#calls.setPciIntxLevel(0, 0, device, line, level);
  }

  setPciLinkRoute(link: number, irq: number): void {
    this.#calls.setPciLinkRoute(link, irq);
  }

  injectMsi(address: number, data: number): void {
    this.#calls.injectMsi(address, data);
  }

  shutdown(reason: number): void {
    this.shutdownReason = reason;
  }
}

/** A handle of libxenevtchn: Linux masks a port when it delivers it, until it is written back (drivers/xen/evtchn.c). */
class ModelChannels implements EventChannels {
  readonly #domain: Domain;
  readonly #bound = new Set<number>();
  readonly #pending = new Set<number>();
  readonly #masked = new Set<number>();

  constructor(domain: Domain) {
    this.#domain = domain;
  }

  get hasPending(): boolean {
    for (const port of this.#pending) if (!this.#masked.has(port)) return true;
    return false;
  }

  bindInterdomain(remotePort: number): number {
    const port = this.#domain.bind(remotePort, (local) => void this.#pending.add(local));
    this.#bound.add(port);
    return port;
  }

  notify(port: number): void {
    this.#domain.notify(port);
  }

  pending(): number | undefined {
    for (const port of this.#pending) {
      if (this.#masked.has(port)) continue;
      this.#pending.delete(port);
      this.#masked.add(port);
      return port;
    }
    return undefined;
  }

  unmask(port: number): void {
    this.#masked.delete(port);
  }

  close(): void {
    for (const port of this.#bound) this.#domain.unbind(port);
    this.#bound.clear();
    this.#pending.clear();
  }
}
