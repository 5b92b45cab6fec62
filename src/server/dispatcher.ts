import { ioreqType, requestBit } from '../abi/ioreq.ts';
import type { AccessSize, Region, RegionHandler } from '../device/region.ts';
import { LabError } from '../errors.ts';
import type { GuestMemory } from './guest-memory.ts';
import { word } from './request.ts';

/** Accesses that no handler saw. */
export interface DispatchCounters {
  /** No region, or only part of the access inside one. */
  unclaimed: number;
  /** A width that the region does not take. */
  badWidth: number;
  /** A request that no Xen sends. */
  malformed: number;
}

interface Placed {
  /** 1 + its place in the order of attachment. */
  readonly index: number;
  readonly label: string;
  readonly base: number;
  readonly end: number;
  /** Bit n is set when accesses of n bytes reach the handler. */
  readonly widths: number;
  readonly handler: RegionHandler;
}

/** More repetitions than fit in a frame never come in one request (hvmemul_linear_to_phys in Xen's hvm/emulate.c). */
const maxCount = 4096;

/**
 * From a request to its region's handler. All numbers are unsigned 32-bit words or addresses below 2^53; nothing is
 * allocated per request. Requests are not trusted: whatever they hold, nothing outside the regions is touched.
 */
export class Dispatcher {
  readonly #words: Uint32Array;
  readonly #memory: GuestMemory;
  /** Port to 1 + index into #ports. */
  readonly #portTable = new Uint16Array(0x10000);
  readonly #ports: Placed[] = [];
  /** Sorted by base. */
  readonly #memories: Placed[] = [];
  readonly counters: DispatchCounters = { unclaimed: 0, badWidth: 0, malformed: 0 };
  readonly #labels: string[] = [];

  /** @param words the 16 words of src/server/request.ts */
  constructor(words: Uint32Array, memory: GuestMemory) {
    this.#words = words;
    this.#memory = memory;
  }

  /**
   * Places a region.
   *
   * @returns what the region's word of a request holds when its handler was called last
   * @throws LabError `REGION_OVERLAP` when part of it is taken, `REGION_OUT_OF_RANGE` when it does not fit.
   */
  add(label: string, region: Region, base: number, handler: RegionHandler): number {
    const limit = region.kind === 'port' ? 0xffff : Number.MAX_SAFE_INTEGER;
    const end = base + (region.size - 1);
    if (!Number.isSafeInteger(base) || base < 0 || end > limit) {
      throw new LabError(`${label} does not fit at 0x${base.toString(16)}`, {
        blame: 'scenario',
        code: 'REGION_OUT_OF_RANGE',
      });
    }
    const list = region.kind === 'port' ? this.#ports : this.#memories;
    const other = list.find((placed) => placed.base <= end && base <= placed.end);
    if (other !== undefined) {
      throw new LabError(`${label} at 0x${base.toString(16)} overlaps ${other.label} at 0x${other.base.toString(16)}`, {
        blame: 'scenario',
        code: 'REGION_OVERLAP',
      });
    }
    const widths = region.widths.reduce((bits, width) => bits | (1 << width), 0);
    const index = this.#labels.push(label);
    list.push({ index, label, base, end, widths, handler });
    if (region.kind === 'port') this.#portTable.fill(list.length, base, end + 1);
    else list.sort((a, b) => a.base - b.base);
    return index;
  }

  /** The region whose handler was called last, as `device.region`: who to blame when it throws. */
  get current(): string {
    return this.#labels[(this.#words[word.region] as number) - 1] ?? 'unknown';
  }

  /** Answers the request in the words. Throws only what a handler throws. */
  dispatch(): void {
    const words = this.#words;
    const bits = words[word.bits] as number;
    const type = words[word.type];
    if (type !== ioreqType.pio && type !== ioreqType.copy) {
      if (type === ioreqType.invalidate) this.#memory.drop();
      else this.counters.malformed++;
      return;
    }
    const size = words[word.size] as number;
    const count = words[word.count] as number;
    const address = (words[word.addrHigh] as number) * 0x100000000 + (words[word.addrLow] as number);
    const isPort = type === ioreqType.pio;
    if ((size !== 1 && size !== 2 && size !== 4 && size !== 8) || !Number.isSafeInteger(address + 8 * maxCount)) {
      this.counters.malformed++;
      return;
    }
    if (count === 1 && (bits & requestBit.dataIsPointer) === 0) {
      if ((bits & requestBit.read) !== 0) this.#read(isPort, address, size);
      else this.#write(isPort, address, size, words[word.dataLow] as number, words[word.dataHigh] as number);
      return;
    }
    this.#repeat(isPort, address, size, count, bits);
  }

  /** REP: the device's address stands still for ports and steps for memory; a pointer to guest memory always steps. */
  #repeat(isPort: boolean, address: number, size: number, count: number, bits: number): void {
    const words = this.#words;
    const step = (bits & requestBit.backwards) !== 0 ? -size : size;
    const addressStep = isPort ? 0 : step;
    const pointer = (words[word.dataHigh] as number) * 0x100000000 + (words[word.dataLow] as number);
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
        if (isRead) this.#readAnew(isPort, address + i * addressStep, size);
        else this.#write(isPort, address + i * addressStep, size, low, high);
      }
      return;
    }
    this.#memory.isRepeating = true;
    try {
      for (let i = 0; i < count; i++) {
        const at = address + i * addressStep;
        const guestAddress = pointer + i * step;
        if (isRead) {
          this.#readAnew(isPort, at, size);
          this.#store(guestAddress, size);
        } else this.#load(isPort, at, size, guestAddress);
      }
    } finally {
      this.#memory.isRepeating = false;
    }
  }

  /** An element of guest memory to the device. */
  #load(isPort: boolean, address: number, size: number, guestAddress: number): void {
    const low = this.#memory.read(guestAddress, size === 8 ? 4 : size);
    const high = size === 8 ? this.#memory.read(guestAddress + 4, 4) : 0;
    this.#write(isPort, address, size, low, high);
  }

  /** The answer words to an element of guest memory. */
  #store(guestAddress: number, size: number): void {
    const words = this.#words;
    this.#memory.write(guestAddress, size === 8 ? 4 : size, words[word.answerLow] as number);
    if (size === 8) this.#memory.write(guestAddress + 4, 4, words[word.answerHigh] as number);
  }

  #readAnew(isPort: boolean, address: number, size: number): void {
    this.#words[word.answerLow] = 0xffffffff;
    this.#words[word.answerHigh] = 0xffffffff;
    this.#read(isPort, address, size);
  }

  /** Leaves the value in the answer words: all ones, as they were, when nobody answers. */
  #read(isPort: boolean, address: number, size: number): void {
    const placed = this.#find(isPort, address, size);
    if (placed?.handler.read === undefined) return;
    const words = this.#words;
    const offset = address - placed.base;
    words[word.region] = placed.index;
    if (size === 8) {
      words[word.answerLow] = placed.handler.read(offset, 4);
      words[word.answerHigh] = placed.handler.read(offset + 4, 4);
      return;
    }
    const value = placed.handler.read(offset, size as AccessSize);
    words[word.answerLow] = size === 4 ? value : size === 2 ? value & 0xffff : value & 0xff;
    words[word.answerHigh] = 0;
  }

  #write(isPort: boolean, address: number, size: number, low: number, high: number): void {
    const placed = this.#find(isPort, address, size);
    if (placed?.handler.write === undefined) return;
    const offset = address - placed.base;
    this.#words[word.region] = placed.index;
    if (size === 8) {
      placed.handler.write(offset, 4, low);
      placed.handler.write(offset + 4, 4, high);
    } else placed.handler.write(offset, size as AccessSize, size === 4 ? low : size === 2 ? low & 0xffff : low & 0xff);
  }

  #find(isPort: boolean, address: number, size: number): Placed | undefined {
    let placed: Placed | undefined;
    if (isPort) placed = this.#ports[(this.#portTable[address] ?? 0) - 1];
    else {
      let low = 0;
      let high = this.#memories.length - 1;
      while (low <= high) {
        const middle = (low + high) >> 1;
        const candidate = this.#memories[middle] as Placed;
        if (address < candidate.base) high = middle - 1;
        else if (address > candidate.end) low = middle + 1;
        else {
          placed = candidate;
          break;
        }
      }
    }
    if (placed === undefined || address + size - 1 > placed.end) {
      this.counters.unclaimed++;
      return undefined;
    }
    if ((placed.widths & (1 << (size === 8 ? 4 : size))) === 0) {
      this.counters.badWidth++;
      return undefined;
    }
    return placed;
  }
}
