import { frameBytes } from '../abi/ioreq.ts';
import { LabError } from '../errors.ts';

/** What {@link GuestMemory} needs of the addon. */
export interface FrameMapper {
  mapMemory(gfn: number, frames: number): ArrayBuffer;
  unmapMemory(buffer: ArrayBuffer): void;
  /** Told of the frames that were written, for live migration. */
  modifiedMemory(frames: Float64Array, count: number): void;
}

/** Frames kept mapped. Beyond that all are given back and mapped anew as needed. */
const maxFrames = 1024;
/** Written frames that are kept until they are told. */
const maxModified = 256;

/**
 * The guest's memory as a device model sees it: guest-physical addresses, frames mapped when they are first touched and
 * kept until {@link GuestMemory.invalidate}. A frame without memory reads as all ones and ignores writes, as on a real bus, and
 * is counted. What was written is told to Xen when the request is answered, so that a live migration sends it again
 * (modified_memory in xen/arch/x86/hvm/dm.c).
 */
export class GuestMemory {
  readonly #mapper: FrameMapper;
  readonly #frames = new Map<number, DataView>();
  /** Accesses to frames that have no memory. */
  misses = 0;
  /** Frames that were written, since Xen was told last; the same one maybe several times. */
  readonly #modified = new Float64Array(maxModified);
  #modifiedCount = 0;
  /** Written frames that Xen did not want to hear of. */
  untold = 0;
  /** While a repeated access goes on: its frames that have no memory, so that each is looked for only once. */
  readonly #absent = new Set<number>();
  #isRepeating = false;
  readonly #generation: Int32Array;
  /** That of the mappings that are here. */
  #own = 0;

  /**
   * @param generation counts the times that all mappings became invalid; shared by the workers of a server, of which Xen
   * tells one
   */
  constructor(mapper: FrameMapper, generation: Int32Array = new Int32Array(1)) {
    this.#mapper = mapper;
    this.#generation = generation;
    this.#own = Atomics.load(generation, 0);
  }

  /** The `size` bytes (1, 2 or 4) at a guest-physical address, unsigned; all ones where there is no memory. */
  read(address: number, size: number): number {
    const offset = address % frameBytes;
    if (offset + size > frameBytes) {
      let value = 0;
      for (let byte = size - 1; byte >= 0; byte--) value = (value << 8) | this.read(address + byte, 1);
      return value >>> 0;
    }
    const frame = this.#frame((address - offset) / frameBytes);
    if (frame === undefined) return size === 4 ? 0xffffffff : size === 2 ? 0xffff : 0xff;
    if (size === 4) return frame.getUint32(offset, true);
    return size === 2 ? frame.getUint16(offset, true) : frame.getUint8(offset);
  }

  /** Writes `size` bytes (1, 2 or 4); ignored where there is no memory. */
  write(address: number, size: number, value: number): void {
    const offset = address % frameBytes;
    if (offset + size > frameBytes) {
      for (let byte = 0; byte < size; byte++) this.write(address + byte, 1, (value >>> (byte * 8)) & 0xff);
      return;
    }
    const frame = this.#frame((address - offset) / frameBytes);
    if (frame === undefined) return;
    if (size === 4) frame.setUint32(offset, value, true);
    else if (size === 2) frame.setUint16(offset, value, true);
    else frame.setUint8(offset, value);
    this.#noteModified((address - offset) / frameBytes);
  }

  /** True when Xen has to be told of what was written. */
  get hasModified(): boolean {
    return this.#modifiedCount !== 0;
  }

  /** Tells Xen which frames were written since it was told last. A guest that is about to go is no error. */
  tellModified(): void {
    const count = this.#modifiedCount;
    if (count === 0) return;
    this.#modifiedCount = 0;
    try {
      this.#mapper.modifiedMemory(this.#modified, count);
    } catch {
      this.untold += count;
    }
  }

  /** Call after the write: what is noted may be told at once. */
  #noteModified(gfn: number): void {
    const count = this.#modifiedCount;
    if (count !== 0 && this.#modified[count - 1] === gfn) return;
    this.#modified[count] = gfn;
    this.#modifiedCount = count + 1;
    if (count + 1 === maxModified) this.tellModified();
  }

  /** Begins and ends one access of many elements: what has no memory at first stays so until its end. */
  set isRepeating(value: boolean) {
    this.#isRepeating = value;
    this.#absent.clear();
  }

  /** A copy of a stretch of memory; all ones where the guest has none. */
  readBytes(address: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    this.readInto(address, bytes);
    return bytes;
  }

  /** The same into bytes that are there already. */
  readInto(address: number, bytes: Uint8Array): void {
    this.#read(address, bytes, true);
  }

  /** Copies bytes into the guest's memory; nothing where it has none. */
  writeBytes(address: number, bytes: Uint8Array): void {
    this.#write(address, bytes, true);
  }

  /** A copy of memory that has to be there. @throws LabError `NO_GUEST_MEMORY` */
  readExisting(address: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    this.#read(address, bytes, false);
    return bytes;
  }

  /** Writes memory that has to be there, and tells Xen. @throws LabError `NO_GUEST_MEMORY` */
  writeExisting(address: number, bytes: Uint8Array): void {
    try {
      this.#write(address, bytes, false);
    } finally {
      this.tellModified();
    }
  }

  /** What Xen's INVALIDATE asks for: gives all mappings back, and has those of other workers given back before their next use. */
  invalidate(): void {
    Atomics.add(this.#generation, 0, 1);
    this.#catchUp();
  }

  #catchUp(): void {
    this.#own = Atomics.load(this.#generation, 0);
    this.drop();
  }

  /** Gives all mappings back: what a domain needs to go away. */
  drop(): void {
    this.tellModified();
    const frames = [...this.#frames.values()];
    // First: a mapping that cannot be given back is of no use either.
    this.#frames.clear();
    for (const frame of frames) this.#mapper.unmapMemory(frame.buffer as ArrayBuffer);
  }

  #read(address: number, bytes: Uint8Array, isTolerant: boolean): void {
    for (let at = 0; at < bytes.length;) {
      const offset = (address + at) % frameBytes;
      const count = Math.min(bytes.length - at, frameBytes - offset);
      const frame = this.#frame((address + at - offset) / frameBytes);
      if (frame !== undefined) bytes.set(new Uint8Array(frame.buffer, offset, count), at);
      else if (isTolerant) bytes.fill(0xff, at, at + count);
      else throw noMemory(address + at);
      at += count;
    }
  }

  #write(address: number, bytes: Uint8Array, isTolerant: boolean): void {
    for (let at = 0; at < bytes.length;) {
      const offset = (address + at) % frameBytes;
      const count = Math.min(bytes.length - at, frameBytes - offset);
      const gfn = (address + at - offset) / frameBytes;
      const frame = this.#frame(gfn);
      if (frame !== undefined) {
        new Uint8Array(frame.buffer, offset, count).set(bytes.subarray(at, at + count));
        this.#noteModified(gfn);
      } else if (!isTolerant) throw noMemory(address + at);
      at += count;
    }
  }

  #frame(gfn: number): DataView | undefined {
    if (Atomics.load(this.#generation, 0) !== this.#own) this.#catchUp();
    const known = this.#frames.get(gfn);
    if (known !== undefined) return known;
    if (this.#absent.has(gfn)) {
      this.misses++;
      return undefined;
    }
    if (this.#frames.size >= maxFrames) this.drop();
    try {
      const view = new DataView(this.#mapper.mapMemory(gfn, 1));
      this.#frames.set(gfn, view);
      return view;
    } catch {
      this.misses++;
      if (this.#isRepeating) this.#absent.add(gfn);
      return undefined;
    }
  }
}

function noMemory(address: number): LabError {
  return new LabError(`the guest has no memory at 0x${address.toString(16)}`, {
    blame: 'scenario',
    code: 'NO_GUEST_MEMORY',
  });
}
