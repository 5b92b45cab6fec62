import { ioreqType } from '../../abi/ioreq.ts';
import type { Outcome } from './instruction.ts';
import type { OracleRules } from './rules.ts';
import { toBytes, toValue } from './bytes.ts';
import { frames, isAllRam, writeAllRam, type IoRequest, type World } from './world.ts';

/** Thrown where Xen crashes the domain; {@link execute} catches it. */
export class DomainCrash extends Error {}

/**
 * X86EMUL_OKAY or X86EMUL_UNHANDLEABLE, with the repetitions done. X86EMUL_RETRY does not exist here: `send` comes back
 * with the answer.
 */
export interface Done {
  readonly isHandled: boolean;
  readonly count: number;
}

interface Answered extends Done {
  readonly data: bigint;
  readonly isFromServer: boolean;
}

/** An access in the MMIO cache: `struct hvm_mmio_cache`. */
interface CacheEntry {
  readonly start: bigint;
  readonly isRead: boolean;
  readonly buffer: Uint8Array;
  /** Bytes of the buffer that hold what was read or written, with the RAM in front of it. */
  size: number;
}

/** Entries of `mmio_cache` in struct hvm_vcpu_io; the same in all versions. */
const cacheEntries = 3;
/** Bytes of an entry. */
const cacheBytes = 64;
/** What hvmemul_virtual_to_linear and hvmemul_linear_to_phys clip repetitions to. */
export const maxRepetitions = 4096;

/**
 * One instruction in Xen's emulator, from the exit to its end: xen/arch/x86/hvm/emulate.c.
 *
 * Xen executes it anew after each answer and takes what it has already done from the MMIO cache. Here `send` answers at
 * once, so nothing is done twice; but the cache is kept, since it shows: an instruction that makes the same access twice
 * makes one request, and one that needs more than three entries is given up.
 */
export class Emulation {
  readonly #world: World;
  readonly #rules: OracleRules;
  readonly #cache: CacheEntry[] = [];
  #hasReadPort = false;
  /** An ioreq server has answered: Xen is on its way back to the instruction. */
  #isResumed = false;

  constructor(world: World, rules: OracleRules) {
    this.#world = world;
    this.#rules = rules;
  }

  /**
   * What becomes of an instruction that Xen gives up (X86EMUL_UNHANDLEABLE). Where the guest has just exited it gets #GP
   * (hvm_hap_nested_page_fault). But where a server's answer has brought Xen back, nobody looks: the guest goes on where it
   * was, with the same instruction, which is emulated from its beginning and given up again (handle_mmio for
   * VIO_mmio_completion in vcpu_ioreq_handle_completion, xen/common/ioreq.c).
   */
  get givenUp(): Outcome {
    return this.#isResumed ? { kind: 'livelock' } : { kind: 'fault', vector: 13, errorCode: 0 };
  }

  /** hvmemul_do_pio_buffer for a read: the value, or undefined when Xen gives up. */
  readPort(port: number, size: number): bigint | undefined {
    this.#hasReadPort = true;
    const { isHandled, data } = this.#doIo({ ...portAccess(port, size), isRead: true, count: 1, data: 0n });
    return isHandled ? data : undefined;
  }

  /** hvmemul_do_pio_buffer for a write. False when Xen gives up. */
  writePort(port: number, size: number, value: bigint): boolean {
    return this.#doIo({ ...portAccess(port, size), isRead: false, count: 1, data: BigInt.asUintN(8 * size, value) })
      .isHandled;
  }

  /** The processor does it itself: all of it is RAM. */
  isNative(address: bigint, size: number): boolean {
    return isAllRam(this.#world, address, size);
  }

  /** linear_read: memory of any kind, RAM and MMIO page by page. Undefined when Xen gives up. */
  read(address: bigint, size: number): Uint8Array | undefined {
    const bytes = new Uint8Array(size);
    for (const frame of frames(address, size)) {
      const part = bytes.subarray(frame.offset, frame.offset + frame.length);
      if (this.#world.isRam(frame.address)) part.set(this.#world.readRam(frame.address, frame.length));
      else if (!this.#accessPart(true, address, bytes, frame)) return undefined;
    }
    return bytes;
  }

  /** hvmemul_write and linear_write. False when Xen gives up: what comes before is written then. */
  write(address: bigint, bytes: Uint8Array): boolean {
    if (isAllRam(this.#world, address, bytes.length)) {
      writeAllRam(this.#world, address, bytes);
      return true;
    }
    for (const frame of frames(address, bytes.length)) {
      if (this.#world.isRam(frame.address)) {
        this.#world.writeRam(frame.address, bytes.subarray(frame.offset, frame.offset + frame.length));
      } else if (!this.#accessPart(false, address, bytes, frame)) return false;
    }
    return true;
  }

  /**
   * hvmemul_cmpxchg when part of the operand is MMIO: a plain write of all of it as MMIO, also of what is RAM ("fix this in
   * case the guest is really relying on r-m-w atomicity").
   */
  exchange(address: bigint, bytes: Uint8Array): boolean {
    if (isAllRam(this.#world, address, bytes.length)) {
      writeAllRam(this.#world, address, bytes);
      return true;
    }
    const entry = this.#entry(address, false, 0);
    return entry !== undefined && this.#linearAccess(entry, address, bytes, 0, bytes.length);
  }

  /** hvmemul_rep_ins and hvmemul_rep_outs: repetitions, at most {@link maxRepetitions}, with the address of the data. */
  repeatPort(port: number, size: number, isRead: boolean, backwards: boolean, memory: bigint, count: number): Done {
    if (!this.#world.isRam(memory)) return { isHandled: false, count };
    return this.#doIoAddress({ ...portAccess(port, size), isRead, backwards, count, data: memory });
  }

  /** hvmemul_rep_movs, as far as it makes requests; RAM to RAM is the caller's. */
  repeatMove(size: number, backwards: boolean, source: bigint, destination: bigint, count: number): Done {
    const isFromRam = this.#world.isRam(source);
    const isToRam = this.#world.isRam(destination);
    // Both MMIO, or both RAM with an element that reaches into MMIO: what Xen copies before it notices, it copies again.
    if (isFromRam === isToRam) return { isHandled: false, count };
    const [address, data] = isToRam ? [source, destination] : [destination, source];
    return this.#doIoAddress({ ...memoryAccess(address, size), isRead: isToRam, backwards, count, data });
  }

  /** hvmemul_rep_stos: one value, stored `count` times. */
  repeatStore(size: number, backwards: boolean, destination: bigint, value: bigint, count: number): Done {
    if (this.#world.isRam(destination)) return { isHandled: false, count };
    const access = { ...memoryAccess(destination, size), isRead: false, backwards, count, data: value };
    return this.#doIo(access);
  }

  /** Part of an operand that lies in one page of MMIO: hvmemul_linear_mmio_access as linear_read and linear_write call it. */
  #accessPart(
    isRead: boolean,
    start: bigint,
    bytes: Uint8Array,
    frame: { readonly address: bigint; readonly offset: number; readonly length: number },
  ): boolean {
    if (this.#rules.operandCachedWhole) {
      const entry = this.#entry(start, isRead, frame.offset);
      return entry !== undefined && this.#linearAccess(entry, frame.address, bytes, frame.offset, frame.length);
    }
    const part = bytes.subarray(frame.offset, frame.offset + frame.length);
    const entry = this.#entry(frame.address, isRead, 0);
    return entry !== undefined && this.#linearAccess(entry, frame.address, part, 0, frame.length);
  }

  /** hvmemul_find_mmio_cache; `skip`: bytes of the operand in front of its MMIO. */
  #entry(start: bigint, isRead: boolean, skip: number): CacheEntry | undefined {
    const found = this.#cache.find((entry) => entry.start === start && entry.isRead === isRead);
    if (found !== undefined || this.#cache.length === cacheEntries) return found;
    const entry = { start, isRead, buffer: new Uint8Array(cacheBytes), size: skip };
    this.#cache.push(entry);
    return entry;
  }

  /** The page loop of hvmemul_linear_mmio_access and, inside a page, hvmemul_phys_mmio_access. */
  #linearAccess(entry: CacheEntry, address: bigint, bytes: Uint8Array, at: number, length: number): boolean {
    for (const frame of frames(address, length)) {
      let chunk = Math.min(8, 2 ** Math.floor(Math.log2(frame.length)));
      for (let done = 0; done < frame.length; done += chunk) {
        while (chunk > frame.length - done) chunk /= 2;
        const offset = at + frame.offset + done;
        if (!this.#chunk(entry, frame.address + BigInt(done), bytes, offset, chunk)) return false;
      }
    }
    return true;
  }

  #chunk(entry: CacheEntry, address: bigint, bytes: Uint8Array, offset: number, size: number): boolean {
    if (offset < entry.size) {
      const known = entry.buffer.subarray(offset, offset + size);
      if (entry.isRead) bytes.set(known, offset);
      else if (known.some((byte, i) => byte !== bytes[offset + i]))
        throw new DomainCrash('a write differs from before');
      return true;
    }
    const value = entry.isRead ? 0n : toValue(bytes, offset, size);
    const access = { ...memoryAccess(address, size), isRead: entry.isRead, count: 1, data: value };
    const { isHandled, isFromServer, data } = this.#doIo(access);
    if (!isHandled) return false;
    // A port is not cached: after the answer to this access Xen reads the port again, finds another request to be
    // completed, and crashes the domain (hvmemul_do_io, "verify the emulation request").
    if (this.#hasReadPort && isFromServer)
      throw new DomainCrash('an access to MMIO after a read of a port in one instruction');
    if (entry.isRead) bytes.set(toBytes(data, size), offset);
    entry.buffer.set(bytes.subarray(offset, offset + size), offset);
    entry.size += size;
    return true;
  }

  /** hvmemul_do_io_addr: as many repetitions as the page of the data holds. */
  #doIoAddress(access: Omit<IoRequest, 'dataIsPointer'>): Done {
    const { size, backwards, data } = access;
    const offset = Number(data & 0xfffn);
    // Downwards this is one less than would fit when the page offset is a multiple of the size.
    const fits = backwards ? Math.floor(((offset + size - 1) % 0x1000) / size) : Math.floor((0x1000 - offset) / size);
    let count = Math.min(access.count, fits);
    if (count === 0) {
      const other = data + (backwards ? -0x1000n : 0x1000n);
      if (!this.#world.isRam(other)) return { isHandled: false, count: access.count };
      count = 1;
    }
    return this.#doIo({ ...access, count, dataIsPointer: true });
  }

  /** hvmemul_do_io. */
  #doIo(access: Omit<IoRequest, 'dataIsPointer'> & { readonly dataIsPointer?: boolean }): Answered {
    const { type, size, backwards, address } = access;
    const offset = Number(address & 0xfffn);
    const tail = 0x1000 - offset;
    let { count } = access;
    if (count > 1 && type === ioreqType.copy) {
      // Repetitions of MMIO end at the end of a frame.
      count = tail < size ? 1 : Math.min(count, Math.floor((backwards ? offset + size : tail) / size));
    }
    const answer = this.#world.send({ dataIsPointer: false, ...access, count });
    if (answer === 'crashed') throw new DomainCrash('Xen crashed the domain');
    if (answer === 'unhandled') return { isHandled: false, count, data: 0n, isFromServer: false };
    const needsCompletion = !access.dataIsPointer && (type !== ioreqType.pio || access.isRead);
    if (answer.isFromServer && needsCompletion) this.#isResumed = true;
    return { ...answer, isHandled: true, data: BigInt.asUintN(8 * size, answer.data) };
  }
}

function portAccess(port: number, size: number) {
  return { type: ioreqType.pio, address: BigInt(port), size, backwards: false };
}

function memoryAccess(address: bigint, size: number) {
  return { type: ioreqType.copy, address, size, backwards: false };
}
