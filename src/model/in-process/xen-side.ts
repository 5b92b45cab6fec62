import type { DmOpName } from '../../xen/dm-op.ts';

/** An event-channel handle, as libxenevtchn gives it: its own ports, masked when they are delivered. */
export interface EventChannels {
  /** Binds a port of the guest's; like Xen, it raises one event at once (evtchn_bind_interdomain in event_channel.c). */
  bindInterdomain(remotePort: number): number;
  notify(port: number): void;
  /** The next port with an event, masked until it is unmasked; undefined where the real call would block. */
  pending(): number | undefined;
  unmask(port: number): void;
  /** True when {@link EventChannels.pending} has one. Takes nothing. */
  readonly hasPending: boolean;
  close(): void;
}

/** A kind of range, with the value that dm_op.h has for it. */
export const rangeKind = { port: 0, memory: 1, pci: 2 } as const;

/**
 * What a device-model process asks of Xen, a method for each call of libxendevicemodel, libxenforeignmemory and
 * libxenevtchn that the native addon makes. What Xen refuses throws an Error whose `code` is errno's name.
 */
export interface XenSide {
  readonly domid: number;
  readonly vcpus: number;
  createIoreqServer(bufioreqHandling: number): number;
  destroyIoreqServer(id: number): void;
  /** Ids of the servers that dom0 has created. */
  serversOfDom0(): number[];
  setIoreqServerState(id: number, enabled: boolean): void;
  mapIoRange(id: number, kind: number, start: number, end: number): void;
  unmapIoRange(id: number, kind: number, start: number, end: number): void;
  /** Frame 0 of the resource is the buffered ring's page, frame 1 the synchronous one: 4096 bytes, shared with Xen. */
  mapResource(id: number, frame: number): ArrayBuffer;
  /** The guest's end of the ring's channel: get_ioreq_server_info. */
  bufferedPort(id: number): number;
  openChannels(): EventChannels;
  /** The frame's bytes, shared with the guest; undefined where it has no memory. */
  frame(gfn: number): ArrayBuffer | undefined;
  /** An operation as libxendevicemodel has it; gives what it gave. */
  dmOp(op: DmOpName, args: readonly bigint[]): bigint[];
  shutdown(reason: number): void;
  setIsaIrqLevel(irq: number, level: number): void;
  /** Of a device on bus 0 of segment 0. */
  setPciIntxLevel(device: number, line: number, level: number): void;
  setPciLinkRoute(link: number, irq: number): void;
  injectMsi(address: number, data: number): void;
}
