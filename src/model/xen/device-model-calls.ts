import type { Domain } from './domain.ts';
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
    return this.#servers.getFrame(this.#caller, id, frame);
  }
}
