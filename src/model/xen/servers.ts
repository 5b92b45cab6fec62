import { frameBytes, ioreqType } from '../../abi/ioreq.ts';
import type { Ioreq } from '../../abi/ioreq-slot.ts';
import { bufferedMode } from './buffered-ring.ts';
import type { EventChannels } from './event-channels.ts';
import type { GfnPool } from './gfn-pool.ts';
import { IoreqServer, rangeType, RingPage, type ServerVcpu, SynchronousPage } from './ioreq-server.ts';
import { memoryType } from './memory-types.ts';
import type { Rangeset } from './rangeset.ts';
import type { XenFacts } from './versions.ts';
import { XenError } from './xen-error.ts';

/** MAX_NR_IOREQ_SERVERS of Xen 4.11 and later. */
export const maxServers = 8;

/** Frames of a server's resource: XENMEM_resource_ioreq_server_frame_* of public/memory.h. */
export const resourceFrame = { buffered: 0, ioreq: 1 } as const;

/** XEN_DMOP_IOREQ_MEM_ACCESS_WRITE. */
const accessWrite = 2;

/** What get_ioreq_server_info tells. */
export interface ServerInfo {
  /** Only when frames were asked for. */
  readonly ioreqGfn: bigint | undefined;
  /** Only when frames were asked for and the server has a ring. */
  readonly bufferedGfn: bigint | undefined;
  /** Xen's end of the ring's channel. */
  readonly bufferedPort: number | undefined;
}

/** The guest's frames that hold pages of servers: whether each is in the guest's memory just now. */
export interface GuestFrames {
  /** The bytes of a frame; undefined when the guest has none there. */
  get(gfn: number): ArrayBuffer | undefined;
  add(gfn: number, bytes: ArrayBuffer): void;
  remove(gfn: number): void;
}

/**
 * The ioreq servers of one guest, with the checks of each operation in Xen's order: xen/arch/x86/hvm/ioreq.c up to 4.14,
 * xen/common/ioreq.c from 4.15. `caller` is the domain whose process makes the hypercall.
 */
export class Servers {
  readonly #vcpus: number;
  readonly #facts: XenFacts;
  readonly #channels: EventChannels;
  readonly #pool: GfnPool;
  readonly #frames: GuestFrames;
  readonly #servers: (IoreqServer | undefined)[] = Array.from({ length: maxServers }, () => undefined);
  /** The server whose memory type ioreq_server is: p2m->ioreq.server. */
  #memoryOwner: IoreqServer | undefined;

  constructor(vcpus: number, facts: XenFacts, channels: EventChannels, pool: GfnPool, frames: GuestFrames) {
    this.#vcpus = vcpus;
    this.#facts = facts;
    this.#channels = channels;
    this.#pool = pool;
    this.#frames = frames;
  }

  /** The servers that exist, highest id first: the order in which Xen asks them. */
  get all(): readonly IoreqServer[] {
    return this.#servers.filter((server) => server !== undefined).reverse();
  }

  /** A server as Xen sees it: for looking, not for changing. Undefined when there is none of this id. */
  get(id: number): IoreqServer | undefined {
    return this.#servers[id];
  }

  create(caller: number, mode: number): number {
    if (mode > bufferedMode.atomic) throw new XenError('EINVAL', 'no such buffered mode');
    const id = this.#servers.indexOf(undefined);
    if (id < 0) throw new XenError('ENOSPC', `${maxServers} servers exist`);
    const vcpus: ServerVcpu[] = [];
    let bufferedPort: number | undefined;
    try {
      for (let vcpu = 0; vcpu < this.#vcpus; vcpu++) {
        vcpus.push({ port: this.#channels.allocate(vcpu, caller), pending: false });
        if (vcpu === 0 && mode !== bufferedMode.off) bufferedPort = this.#channels.allocate(0, caller);
      }
    } catch (error) {
      for (const { port } of vcpus) this.#channels.free(port);
      if (bufferedPort !== undefined) this.#channels.free(bufferedPort);
      throw error;
    }
    this.#servers[id] = new IoreqServer(id, caller, mode, vcpus, bufferedPort);
    return id;
  }

  destroy(caller: number, id: number): void {
    const server = this.#own(caller, id);
    if (this.#memoryOwner === server) this.#memoryOwner = undefined;
    this.#disable(server);
    for (const { port } of server.vcpus) this.#channels.free(port);
    if (server.bufferedPort !== undefined) this.#channels.free(server.bufferedPort);
    for (const { gfn } of [server.buffered, server.ioreq].filter((page) => page !== undefined)) {
      if (gfn !== undefined) this.#pool.give(gfn);
    }
    this.#servers[id] = undefined;
  }

  getInfo(caller: number, id: number, withGfns: boolean): ServerInfo {
    const server = this.#own(caller, id);
    if (withGfns) this.#mapGfns(server);
    return {
      ioreqGfn: withGfns && server.ioreq?.gfn !== undefined ? BigInt(server.ioreq.gfn) : undefined,
      bufferedGfn: withGfns && server.buffered?.gfn !== undefined ? BigInt(server.buffered.gfn) : undefined,
      bufferedPort: server.bufferedPort,
    };
  }

  /** ioreq_server_get_frame(): the page itself, allocated at the first call. */
  getFrame(caller: number, id: number, frame: number): ArrayBuffer {
    const server = this.#own(caller, id);
    this.#allocatePages(server);
    if (frame === resourceFrame.buffered) {
      if (server.buffered === undefined) throw new XenError('ENOENT', 'the server has no ring');
      return server.buffered.bytes;
    }
    if (frame !== resourceFrame.ioreq || server.ioreq === undefined) throw new XenError('EINVAL', 'no such frame');
    return server.ioreq.bytes;
  }

  mapRange(caller: number, id: number, type: number, start: bigint, end: bigint): void {
    const ranges = this.#rangesOf(caller, id, type, start, end);
    if (ranges.overlaps(start, end)) throw new XenError('EEXIST', 'the server has a part of this range');
    ranges.add(start, end);
  }

  unmapRange(caller: number, id: number, type: number, start: bigint, end: bigint): void {
    const ranges = this.#rangesOf(caller, id, type, start, end);
    if (!ranges.contains(start, end)) throw new XenError('ENOENT', 'the server has not all of this range');
    ranges.remove(start, end);
  }

  setState(caller: number, id: number, enabled: boolean): void {
    const server = this.#own(caller, id);
    if (!enabled) return this.#disable(server);
    if (server.enabled) return;
    for (const mapped of [server.ioreq, server.buffered]) {
      if (mapped?.gfn === undefined) continue;
      this.#frames.remove(mapped.gfn);
      mapped.clear();
    }
    server.enabled = true;
    server.vcpus.forEach(({ port }, vcpu) => {
      const slot = server.ioreq?.slots[vcpu];
      if (slot !== undefined) slot.vpEport = port;
    });
  }

  #disable(server: IoreqServer): void {
    if (!server.enabled) return;
    for (const mapped of [server.buffered, server.ioreq]) {
      if (mapped?.gfn === undefined) continue;
      mapped.clear();
      this.#frames.add(mapped.gfn, mapped.bytes);
    }
    server.enabled = false;
  }

  /** The id of the server that has the memory type ioreq_server. */
  get memoryOwner(): number | undefined {
    return this.#memoryOwner?.id;
  }

  /**
   * ioreq_server_map_mem_type() and p2m_set_ioreq_server().
   *
   * @param frames how many frames are of the type now
   */
  mapMemType(caller: number, id: number, type: number, flags: number, frames: number): void {
    if (type !== memoryType.ioreqServer || (flags & ~accessWrite) !== 0) throw new XenError('EINVAL', 'no such type');
    const server = this.#own(caller, id);
    if (flags === 0) {
      if (this.#memoryOwner !== server) throw new XenError('EINVAL', 'the type is not of this server');
      this.#memoryOwner = undefined;
      return;
    }
    if (this.#memoryOwner !== undefined) throw new XenError('EBUSY', 'a server has the type');
    if (frames > 0) throw new XenError('EBUSY', 'frames are of the type, of a server that is gone');
    this.#memoryOwner = server;
  }

  /** All servers of a guest that ends: ioreq_server_destroy_all(). */
  destroyAll(): void {
    for (const server of this.all) this.destroy(server.emulator, server.id);
  }

  /** The server that gets an access, and the access as it is sent: ioreq_server_select(). */
  select(request: Ioreq, cf8: number): { readonly server: IoreqServer; readonly request: Ioreq } | undefined {
    const { addr, size, count, backwards } = request;
    if (request.type === ioreqType.pio && (addr & ~3n) === 0xcfcn && cf8 >>> 31 === 1) {
      const bdf = BigInt((cf8 >>> 8) & 0xffff);
      const register = BigInt(cf8 & 0xfc) | (addr & 3n);
      const server = this.all.find(({ enabled, ranges }) => enabled && ranges[rangeType.pci]?.contains(bdf, bdf));
      const sent = { ...request, type: ioreqType.pciConfig, addr: (bdf << 32n) | register };
      return server === undefined ? undefined : { server, request: sent };
    }
    const type = request.type === ioreqType.pio ? rangeType.port : rangeType.memory;
    const bytes = BigInt(type === rangeType.port ? size : count * size);
    const isDown = type === rangeType.memory && backwards && this.#facts.directionAwareRanges;
    const start = isDown ? addr - bytes + BigInt(size) : addr;
    const end = start + bytes - 1n;
    const server = this.all.find(({ enabled, ranges }) => enabled && ranges[type]?.contains(start, end));
    return server === undefined ? undefined : { server, request };
  }

  /** The server of an id, if the caller may use it. */
  #own(caller: number, id: number): IoreqServer {
    const server = this.#servers[id];
    if (server === undefined) throw new XenError('ENOENT', `there is no server ${id}`);
    if (server.emulator !== caller) throw new XenError('EPERM', `server ${id} is not of domain ${caller}`);
    return server;
  }

  #rangesOf(caller: number, id: number, type: number, start: bigint, end: bigint): Rangeset {
    if (start > end) throw new XenError('EINVAL', 'the range ends before it starts');
    const ranges = this.#own(caller, id).ranges[type];
    if (ranges === undefined) throw new XenError('EINVAL', 'no such type of range');
    return ranges;
  }

  /** arch_ioreq_server_map_pages(): the pages as frames of the guest. */
  #mapGfns(server: IoreqServer): void {
    server.ioreq ??= new SynchronousPage(...this.#takeGfn());
    if (server.ioreq.gfn === undefined) throw new XenError('EPERM', 'the page was taken as a resource');
    if (!server.hasRing) return;
    try {
      server.buffered ??= new RingPage(...this.#takeGfn());
    } catch (error) {
      this.#pool.give(server.ioreq.gfn);
      server.ioreq = undefined;
      throw error;
    }
  }

  /** hvm_map_ioreq_gfn(). */
  #takeGfn(): [ArrayBuffer, number] {
    const gfn = this.#pool.take();
    if (gfn === undefined) throw new XenError('ENOMEM', 'no frame is left');
    const bytes = this.#frames.get(gfn);
    if (bytes !== undefined) return [bytes, gfn];
    this.#pool.give(gfn);
    throw new XenError('EINVAL', 'the guest has no memory there');
  }

  /** ioreq_server_alloc_pages(): the pages as Xen's own. */
  #allocatePages(server: IoreqServer): void {
    if (server.ioreq?.gfn !== undefined) throw new XenError('EPERM', 'the page was taken as a frame of the guest');
    server.ioreq ??= new SynchronousPage(new ArrayBuffer(frameBytes), undefined);
    if (server.hasRing) server.buffered ??= new RingPage(new ArrayBuffer(frameBytes), undefined);
  }
}
