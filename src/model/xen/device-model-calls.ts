import type { Domain, InjectedEvent } from './domain.ts';
import type { ServerInfo, Servers } from './servers.ts';
import type { XenFacts } from './versions.ts';
import { XenError } from './xen-error.ts';

const u8 = (value: number): number => value & 0xff;
const u16 = (value: number): number => value & 0xffff;
const u32 = (value: number): number => value >>> 0;
const u64 = (value: number | bigint): bigint => BigInt.asUintN(64, BigInt(value));

/**
 * The operations of one device model on one guest: the functions of libxendevicemodel and the mappings of
 * libxenforeignmemory. Arguments are cut to the widths of public/hvm/dm_op.h and otherwise passed as they are; each
 * throws {@link XenError} with what Xen would have answered.
 */
export class DeviceModelCalls {
  readonly #domain: Domain;
  readonly #servers: Servers;
  readonly #facts: XenFacts;
  readonly #caller: number;

  constructor(domain: Domain, servers: Servers, facts: XenFacts, caller: number) {
    this.#domain = domain;
    this.#servers = servers;
    this.#facts = facts;
    this.#caller = caller;
  }

  /** @returns the server's id. Throws EINVAL, ENOSPC. */
  createIoreqServer(mode: number): number {
    return this.#servers.create(this.#caller, u8(mode));
  }

  /** Throws ENOENT, EPERM; with frames also EPERM (pages are resources), ENOMEM, EINVAL. */
  getIoreqServerInfo(id: number, withGfns: boolean): ServerInfo {
    return this.#servers.getInfo(this.#caller, u16(id), withGfns);
  }

  /** Both ends included; `type` is `rangeType`. Throws EINVAL, ENOENT, EPERM, EEXIST, ENOMEM. */
  mapIoRange(id: number, type: number, start: number | bigint, end: number | bigint): void {
    this.#servers.mapRange(this.#caller, u16(id), u32(type), u64(start), u64(end));
  }

  /** Throws EINVAL, ENOENT, EPERM, ENOMEM. */
  unmapIoRange(id: number, type: number, start: number | bigint, end: number | bigint): void {
    this.#servers.unmapRange(this.#caller, u16(id), u32(type), u64(start), u64(end));
  }

  /** Throws ENOENT, EPERM. */
  setIoreqServerState(id: number, enabled: number): void {
    this.#servers.setState(this.#caller, u16(id), u8(enabled) !== 0);
  }

  /** Throws ENOENT, EPERM. */
  destroyIoreqServer(id: number): void {
    this.#servers.destroy(this.#caller, u16(id));
  }

  /** The guest's vCPUs, online or not. Throws EOPNOTSUPP before Xen 4.15. */
  nrVcpus(): number {
    if (!this.#facts.nrVcpus) throw new XenError('EOPNOTSUPP', 'Xen has no operation nr_vcpus');
    return this.#domain.vcpus;
  }

  /**
   * Maps a frame of a server's resource (`resourceFrame`): the page itself, shared with Xen. Throws ENOENT, EPERM,
   * EINVAL.
   */
  acquireResource(id: number, frame: number): ArrayBuffer {
    if (this.#facts.resourceFramesBounded && u32(frame) === 0xffff_ffff) throw new XenError('EINVAL', 'no such frame');
    if (u32(id) > 0xffff) throw new XenError('EINVAL', 'no such server');
    return this.#servers.getFrame(this.#caller, id, frame);
  }

  /** Makes a memory type the server's, or with flags 0 no longer. Throws EOPNOTSUPP, EINVAL, ENOENT, EPERM, EBUSY. */
  mapMemTypeToIoreqServer(id: number, type: number, flags: number): void {
    const { memory, hasHap } = this.#domain;
    if (!hasHap) throw new XenError('EOPNOTSUPP', 'without hardware-assisted paging');
    this.#servers.mapMemType(this.#caller, u16(id), u16(type), u32(flags), memory.ioreqServerFrames);
    if (u32(flags) === 0) memory.resetIoreqServer();
  }

  /** Changes frames to a `memoryType`. Throws EINVAL, EOPNOTSUPP. */
  setMemType(type: number, first: number | bigint, frames: number): void {
    const hasOwner = this.#servers.memoryOwner !== undefined;
    this.#domain.memory.set(u16(type), u64(first), u32(frames), this.#domain.hasHap, hasOwner);
  }

  /** How many of the frames are dirty; 0 frames end it. Throws EINVAL. */
  trackDirtyVram(first: number | bigint, frames: number): number {
    return this.#domain.memory.track(u64(first), u32(frames));
  }

  /** What the device model wrote; of no consequence while nobody logs the guest's dirty pages, as here. */
  modifiedMemory(_first: number | bigint, _frames: number): void {
    // paging_mode_log_dirty() is looked at before the frames are.
  }

  /** Moves frames. Throws EINVAL, EOVERFLOW. */
  relocateMemory(frames: number, source: number | bigint, target: number | bigint): void {
    const isRefusing = this.#facts.relocationWrapsRefused;
    const onMove = (): void => this.#domain.requestInvalidate();
    this.#domain.memory.relocate(u32(frames), u64(source), u64(target), isRefusing, onMove);
  }

  /**
   * Gives frames a cache attribute; 0xffffffff takes it away. Throws EINVAL, EBUSY, ENOENT, ENOSPC.
   *
   * @param addressBits of the host's processors
   */
  pinMemoryCacheattr(start: number | bigint, end: number | bigint, type: number, addressBits = 40): void {
    this.#domain.memory.pin(u64(start), u64(end), u32(type), addressBits);
  }

  /** Throws EINVAL. */
  setIsaIrqLevel(irq: number, level: number): void {
    this.#domain.interrupts.setIsa(u8(irq), u8(level));
  }

  /** Throws EINVAL. */
  setPciIntxLevel(segment: number, bus: number, device: number, pin: number, level: number): void {
    this.#domain.interrupts.setPci(u16(segment), u8(bus), u8(device), u8(pin), u8(level));
  }

  /** Throws EINVAL. */
  setPciLinkRoute(link: number, irq: number): void {
    this.#domain.interrupts.setRoute(u8(link), u8(irq));
  }

  /** Throws EINVAL, ERANGE. */
  injectMsi(addr: number | bigint, data: number): void {
    this.#domain.interrupts.injectMsi(u64(addr), u32(data), this.#facts.unsignedPirq);
  }

  /** Throws EINVAL, EBUSY. */
  injectEvent(vcpu: number, event: InjectedEvent): void {
    this.#domain.injectEvent(u32(vcpu), event);
  }

  /** Any reason is taken. */
  remoteShutdown(reason: number): void {
    this.#domain.shutDown(u32(reason));
  }
}
