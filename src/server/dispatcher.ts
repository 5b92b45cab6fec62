import { ioreqType, requestBit } from '../abi/ioreq.ts';
import type { AccessSize, Region, RegionHandler } from '../device/region.ts';
import { LabError } from '../errors.ts';
import type { GuestMemory } from './guest-memory.ts';
import { pciConfig, pio, pointerBit, readBit } from './hot-constants.ts';
import * as word from './word.ts';

/** More repetitions than fit in a frame never come in one request (hvmemul_linear_to_phys in Xen's hvm/emulate.c). */
const maxCount = 4096;
const twoTo32 = 0x1_0000_0000;

/** Accesses that no handler saw, and what guests asked for in vain. */
export interface DispatchCounters {
  /** No region, or only part of the access inside one. */
  unclaimed: number;
  /** A width that the region does not take. */
  badWidth: number;
  /** An offset that is no multiple of the width, in a region of natural alignment. */
  misaligned: number;
  /** A request that no Xen sends. */
  malformed: number;
  /** A BAR was enabled where it cannot be decoded: over something else, or Xen refused it. */
  undecoded: number;
}

/** A region of a device in the dispatcher: between {@link Dispatcher.declare} and the end, here or there or nowhere. */
export class Placed {
  /** 1 + its place in the order of declaration: what the region's word of a request holds after its handler was called. */
  readonly index: number = 0; // a number from the start, or compiled code has to ask each time whether it is one
  readonly label: string;
  readonly kind: Region['kind'] | 'pci';
  readonly size: number;
  readonly handler: RegionHandler;
  /** Bit n is set when accesses of n bytes reach the handler. */
  readonly widths: number = 0;
  /** 8-byte accesses reach the handler as they are. */
  readonly isWhole: boolean;
  /** The bits of an offset that an alignment rule looks at: those below the access's width of 7, or none of 0. */
  readonly alignmentMask: number = 0;
  base = -1;
  end = -1;

  constructor(
    index: number,
    label: string,
    region: Omit<Region, 'kind'>,
    kind: Placed['kind'],
    handler: RegionHandler,
  ) {
    this.index = index;
    this.label = label;
    this.kind = kind;
    this.size = region.size;
    this.handler = handler;
    const widths = region.widths.reduce<number>((bits, width) => bits | (1 << width), 0);
    this.isWhole = (widths & (1 << 8)) !== 0;
    this.widths = (widths & (1 << 4)) === 0 ? widths : widths | (1 << 8);
    this.alignmentMask = region.alignment === 'natural' ? 7 : 0;
  }

  get isPlaced(): boolean {
    return this.base >= 0;
  }
}

/**
 * From a request to its region's handler. All numbers are unsigned 32-bit words or addresses below 2^53; nothing is
 * allocated per request. Requests are not trusted: whatever they hold, nothing outside the regions is touched.
 */
export class Dispatcher {
  readonly #words: Uint32Array;
  readonly #memory: GuestMemory;
  /** Port to the {@link Placed.index} of its region. */
  readonly #portTable = new Uint16Array(0x10000);
  /** By {@link Placed.index}; nothing at 0. */
  readonly #declared: (Placed | undefined)[] = [undefined];
  /** Sorted by base. */
  readonly #memories: Placed[] = [];
  /** PCI functions by segment, bus, device and function. */
  readonly #functions = new Map<number, Placed>();
  readonly #wide = new Uint32Array(2);
  readonly #timeOffset: ((seconds: number) => void)[] = [];
  readonly counters: DispatchCounters = { unclaimed: 0, badWidth: 0, misaligned: 0, malformed: 0, undecoded: 0 };

  /** @param words the 16 words of src/server/request.ts */
  constructor(words: Uint32Array, memory: GuestMemory) {
    this.#words = words;
    this.#memory = memory;
  }

  /**
   * Makes a region known, without a place.
   *
   * @throws LabError `HANDLER_INCOMPLETE` when 8 is among its widths and the handler takes no 8 bytes
   */
  declare(label: string, region: Region, handler: RegionHandler): Placed {
    if (region.widths.includes(8) && handler.read8 === undefined && handler.write8 === undefined) {
      throw new LabError(`${label} takes accesses of 8 bytes, but its handler has neither read8 nor write8`, {
        blame: 'scenario',
        code: 'HANDLER_INCOMPLETE',
        next: 'give it one, or leave 8 out of the widths: then 8 bytes come as two accesses of 4',
      });
    }
    return this.#know(label, region, region.kind, handler);
  }

  /** Makes a PCI function's configuration space known, without a place. */
  declareFunction(label: string, handler: RegionHandler): Placed {
    // An access may begin inside and end outside: 4 bytes at 0xcfe. That much the handler has to know about.
    return this.#know(label, { size: 256 + 3, widths: [1, 2, 4], alignment: 'any' }, 'pci', handler);
  }

  #know(label: string, region: Omit<Region, 'kind'>, kind: Placed['kind'], handler: RegionHandler): Placed {
    const placed = new Placed(this.#declared.length, label, region, kind, handler);
    this.#declared.push(placed);
    return placed;
  }

  /**
   * Gives a region its place, which for a PCI function is its SBDF.
   *
   * @returns undefined, or the region that is in the way; then nothing has changed
   * @throws LabError `REGION_OUT_OF_RANGE` when it does not fit
   */
  place(placed: Placed, at: number): Placed | undefined {
    const base = placed.kind === 'pci' ? at * twoTo32 : at;
    const end = base + (placed.size - 1);
    const limit = placed.kind === 'port' ? 0xffff : Number.MAX_SAFE_INTEGER;
    if (!Number.isSafeInteger(base) || base < 0 || end > limit) {
      throw new LabError(`${placed.label} does not fit at 0x${at.toString(16)}`, {
        blame: 'scenario',
        code: 'REGION_OUT_OF_RANGE',
      });
    }
    const other = this.#declared.find(
      (one) => one?.kind === placed.kind && one.isPlaced && one.base <= end && base <= one.end,
    );
    if (other !== undefined) return other;
    placed.base = base;
    placed.end = end;
    if (placed.kind === 'port') this.#portTable.fill(placed.index, base, end + 1);
    else if (placed.kind === 'pci') this.#functions.set(at, placed);
    else {
      this.#memories.push(placed);
      this.#memories.sort((a, b) => a.base - b.base);
    }
    return undefined;
  }

  /** Takes a region's place away; it may get another one. */
  displace(placed: Placed): void {
    if (!placed.isPlaced) return;
    if (placed.kind === 'port') this.#portTable.fill(0, placed.base, placed.end + 1);
    else if (placed.kind === 'pci') this.#functions.delete(placed.base / twoTo32);
    else this.#memories.splice(this.#memories.indexOf(placed), 1);
    placed.base = -1;
    placed.end = -1;
  }

  /**
   * Declares and places a region.
   *
   * @returns what the region's word of a request holds when its handler was called last
   * @throws LabError `REGION_OVERLAP` when part of it is taken, `REGION_OUT_OF_RANGE` when it does not fit,
   * `HANDLER_INCOMPLETE`
   */
  add(label: string, region: Region, base: number, handler: RegionHandler): number {
    const placed = this.declare(label, region, handler);
    const other = this.place(placed, base);
    if (other !== undefined) throw overlap(placed, base, other);
    return placed.index;
  }

  /** Has the clock changes of the guest told. */
  onTimeOffset(listener: (seconds: number) => void): void {
    this.#timeOffset.push(listener);
  }

  /** The region whose handler was called last, as `device.region`: who to blame when it throws. */
  get current(): string {
    return this.#declared[this.#words[word.region] as number]?.label ?? 'unknown';
  }

  /** Answers the request in the words. Throws only what a handler throws. */
  dispatch(): void {
    const words = this.#words;
    const type = words[word.type] as number;
    const bits = words[word.bits] as number;
    const size = words[word.size] as number;
    // One access to a port, the most frequent of all, on its own and without a number above 32 bits.
    if (
      type === pio &&
      words[word.count] === 1 &&
      (bits & pointerBit) === 0 &&
      (size === 1 || size === 2 || size === 4)
    ) {
      const address = words[word.addrLow] as number;
      if (words[word.addrHigh] !== 0 || address > 0xffff) {
        this.counters.unclaimed++;
        return;
      }
      const placed = this.#declared[this.#portTable[address] as number];
      if (placed === undefined || address + size - 1 > placed.end) {
        this.counters.unclaimed++;
        return;
      }
      const offset = address - placed.base;
      if ((placed.widths & (1 << size)) === 0 || (offset & (size - 1) & placed.alignmentMask) !== 0) {
        this.#refuse(placed, size);
        return;
      }
      if ((bits & readBit) !== 0) this.#read(placed, offset, size);
      else this.#write(placed, offset, size, words[word.dataLow] as number, 0);
    } else if (type <= pciConfig) this.#access(type, bits, size);
    else this.#notify(type);
    if (this.#memory.hasModified) this.#memory.tellModified();
  }

  /** What is not to be answered. */
  #notify(type: number): void {
    const words = this.#words;
    if (type === ioreqType.invalidate) this.#memory.invalidate();
    else if (type === ioreqType.timeOffset && words[word.size] === 8) {
      const seconds = ((words[word.dataHigh] as number) | 0) * twoTo32 + (words[word.dataLow] as number);
      for (const listener of this.#timeOffset) listener(seconds);
    } else this.counters.malformed++;
  }

  #access(type: number, bits: number, size: number): void {
    const words = this.#words;
    const count = words[word.count] as number;
    const address = (words[word.addrHigh] as number) * twoTo32 + (words[word.addrLow] as number);
    const isKnown = size === 1 || size === 2 || size === 4 || (size === 8 && type !== ioreqType.pciConfig);
    if (!isKnown || !Number.isSafeInteger(address + 8 * maxCount)) this.counters.malformed++;
    else if (count === 1 && (bits & requestBit.dataIsPointer) === 0) {
      if ((bits & requestBit.read) !== 0) this.#readAt(type, address, size);
      else this.#writeAt(type, address, size, words[word.dataLow] as number, words[word.dataHigh] as number);
    } else this.#repeat(type, address, size, count, bits);
  }

  /** REP: the device's address steps for memory only; a pointer to guest memory always steps. */
  #repeat(type: number, address: number, size: number, count: number, bits: number): void {
    const words = this.#words;
    const step = (bits & requestBit.backwards) !== 0 ? -size : size;
    const addressStep = type === ioreqType.copy ? step : 0;
    const pointer = (words[word.dataHigh] as number) * twoTo32 + (words[word.dataLow] as number);
    const isPointer = (bits & requestBit.dataIsPointer) !== 0;
    const last = count - 1;
    if (
      count > maxCount ||
      address + last * addressStep < 0 ||
      (isPointer && (!Number.isSafeInteger(pointer + 8 * maxCount) || pointer + last * step < 0))
    ) {
      this.counters.malformed++;
      return;
    }
    const isRead = (bits & requestBit.read) !== 0;
    if (!isPointer) {
      const low = words[word.dataLow] as number;
      const high = words[word.dataHigh] as number;
      for (let i = 0; i < count; i++) {
        if (isRead) this.#readAnew(type, address + i * addressStep, size);
        else this.#writeAt(type, address + i * addressStep, size, low, high);
      }
      return;
    }
    this.#memory.isRepeating = true;
    try {
      for (let i = 0; i < count; i++) {
        const at = address + i * addressStep;
        const guestAddress = pointer + i * step;
        if (isRead) {
          this.#readAnew(type, at, size);
          this.#store(guestAddress, size);
        } else this.#load(type, at, size, guestAddress);
      }
    } finally {
      this.#memory.isRepeating = false;
    }
  }

  /** An element of guest memory to the device. */
  #load(type: number, address: number, size: number, guestAddress: number): void {
    const low = this.#memory.read(guestAddress, size === 8 ? 4 : size);
    const high = size === 8 ? this.#memory.read(guestAddress + 4, 4) : 0;
    this.#writeAt(type, address, size, low, high);
  }

  /** The answer words to an element of guest memory. */
  #store(guestAddress: number, size: number): void {
    const words = this.#words;
    this.#memory.write(guestAddress, size === 8 ? 4 : size, words[word.answerLow] as number);
    if (size === 8) this.#memory.write(guestAddress + 4, 4, words[word.answerHigh] as number);
  }

  #readAnew(type: number, address: number, size: number): void {
    this.#words[word.answerLow] = 0xffffffff;
    this.#words[word.answerHigh] = 0xffffffff;
    this.#readAt(type, address, size);
  }

  #readAt(type: number, address: number, size: number): void {
    const placed = this.#find(type, address, size);
    if (placed !== undefined) this.#read(placed, address - placed.base, size);
  }

  #writeAt(type: number, address: number, size: number, low: number, high: number): void {
    const placed = this.#find(type, address, size);
    if (placed !== undefined) this.#write(placed, address - placed.base, size, low, high);
  }

  /** Leaves the value in the answer words: all ones, as they were, when nobody answers. */
  #read(placed: Placed, offset: number, size: number): void {
    const words = this.#words;
    const { handler } = placed;
    words[word.region] = placed.index;
    if (size === 8) {
      this.#readWide(placed, offset);
      return;
    }
    if (handler.read === undefined) return;
    const value = handler.read(offset, size as AccessSize);
    words[word.answerLow] = size === 4 ? value : size === 2 ? value & 0xffff : value & 0xff;
    words[word.answerHigh] = 0;
  }

  #readWide({ handler, isWhole }: Placed, offset: number): void {
    const words = this.#words;
    if (isWhole) {
      const wide = this.#wide;
      wide[0] = wide[1] = 0xffffffff;
      handler.read8?.(offset, wide);
      words[word.answerLow] = wide[0];
      words[word.answerHigh] = wide[1];
    } else if (handler.read !== undefined) {
      words[word.answerLow] = handler.read(offset, 4);
      words[word.answerHigh] = handler.read(offset + 4, 4);
    }
  }

  #write(placed: Placed, offset: number, size: number, low: number, high: number): void {
    const { handler } = placed;
    this.#words[word.region] = placed.index;
    if (size === 8 && placed.isWhole) handler.write8?.(offset, low, high);
    else if (handler.write === undefined) return;
    else if (size === 8) {
      handler.write(offset, 4, low);
      handler.write(offset + 4, 4, high);
    } else handler.write(offset, size as AccessSize, size === 4 ? low : size === 2 ? low & 0xffff : low & 0xff);
  }

  /** The region that takes all of an access as it is. */
  #find(type: number, address: number, size: number): Placed | undefined {
    const placed =
      type === ioreqType.copy
        ? this.#findMemory(address)
        : type === ioreqType.pio
          ? this.#declared[this.#portTable[address] ?? 0]
          : this.#functions.get(Math.floor(address / twoTo32));
    if (placed === undefined || address + size - 1 > placed.end) {
      this.counters.unclaimed++;
      return undefined;
    }
    const isMisaligned = ((address - placed.base) & (size - 1) & placed.alignmentMask) !== 0;
    if ((placed.widths & (1 << size)) !== 0 && !isMisaligned) return placed;
    this.#refuse(placed, size);
    return undefined;
  }

  #findMemory(address: number): Placed | undefined {
    let low = 0;
    let high = this.#memories.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const candidate = this.#memories[middle] as Placed;
      if (address < candidate.base) high = middle - 1;
      else if (address > candidate.end) low = middle + 1;
      else return candidate;
    }
    return undefined;
  }

  #refuse(placed: Placed, size: number): void {
    if ((placed.widths & (1 << size)) === 0) this.counters.badWidth++;
    else this.counters.misaligned++;
  }
}

/** The error of two regions in one place. */
export function overlap(placed: Placed, at: number, other: Placed): LabError {
  const message =
    placed.kind === 'pci'
      ? `${placed.label} is at the PCI address of ${other.label}`
      : `${placed.label} at 0x${at.toString(16)} overlaps ${other.label} at 0x${other.base.toString(16)}`;
  return new LabError(message, { blame: 'scenario', code: 'REGION_OVERLAP' });
}
