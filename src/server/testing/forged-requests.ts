import { memory, port, type AccessSize, type RegionHandler } from '../../device/region.ts';
import { Dispatcher, type DispatchCounters } from '../dispatcher.ts';
import { GuestMemory } from '../guest-memory.ts';
import { word } from '../request.ts';
import { FakeMemory } from './fake-memory.ts';

const top = Number.MAX_SAFE_INTEGER;
const u64 = 0xffff_ffff_ffff_ffffn;
/** Ends of the regions below, of memory, and of what numbers hold. */
const edges = [
  ...[0, 0x500, 0x520, 0xffff, 0x1000, 32 * 4096, 2 ** 32, 0xf000_0000, 0xf_0000_0000, top, 2 ** 64 - 1],
  0x28 * 2 ** 32 + 0x40,
];
const counts = [0, 1, 1, 1, 1, 1, 2, 3, 7, 4097, 0x8000_0000, 0xffff_ffff];
const sizes = [1, 2, 4, 8];

/** A request as nobody should trust it: any value in any field, and often one that is nearly right. */
export interface ForgedRequest {
  type: number;
  bits: number;
  size: number;
  count: number;
  address: bigint;
  data: bigint;
}

/** Forged requests, the same in every run with the same seed (Marsaglia's xorshift). */
export class ForgedRequests {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0 || 1;
  }

  /** 0 to 2^32 - 1. */
  number(): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return this.#state >>> 0;
  }

  next(): ForgedRequest {
    return {
      type: this.number() % 8 === 0 ? this.number() % 256 : this.number() % 3,
      bits: this.number() % 8,
      size: this.number() % 8 === 0 ? this.number() : this.#pick(sizes),
      count: this.number() % 1_000 === 0 ? 4096 : this.number() % 20 === 0 ? this.number() : this.#pick(counts),
      address: this.#address(),
      data: this.#address(),
    };
  }

  #pick(list: readonly number[]): number {
    return list[this.number() % list.length] as number;
  }

  #address(): bigint {
    if (this.number() % 4 === 0) return BigInt(this.number() * 2 ** (this.number() % 33)) & u64;
    return BigInt(Math.max(0, this.#pick(edges) + (this.number() % 64) - 32)) & u64;
  }
}

/** More than a frame's worth of elements never comes in one request; 8 bytes are two calls. */
const mostCalls = 2 * 4096;
/** 4096 elements of 8 bytes lie in 9 frames at most. */
const mostMaps = 9;

/** A dispatcher whose regions watch their bounds, and whose memory keeps account of what is mapped. */
export class ForgedDispatch {
  readonly requests: ForgedRequests;
  readonly ram = new FakeMemory(32);
  readonly #words = new Uint32Array(16);
  readonly #dispatcher = new Dispatcher(this.#words, new GuestMemory(this.ram));
  /** Calls of handlers so far. */
  calls = 0;

  constructor(seed: number) {
    this.requests = new ForgedRequests(seed);
    const dispatcher = this.#dispatcher;
    dispatcher.add('a.port', port({ size: 8 }), 0x500, this.#watch(8, [1, 2, 4]));
    dispatcher.add('a.last', port({ size: 2, widths: [2] }), 0xfffe, this.#watch(2, [2]));
    dispatcher.add('a.zero', memory({ size: 4 }), 0, this.#watch(4, [1, 2, 4]));
    dispatcher.add('a.page', memory({ size: 4096 }), 0xf000_0000, this.#watch(4096, [1, 2, 4]));
    const high = { size: 0x10_0000, widths: [1, 4] } as const;
    dispatcher.add('a.high', memory(high), 0xf_0000_0000, this.#watch(0x10_0000, [1, 4]));
    const aligned = { size: 16, widths: [1, 4, 8], alignment: 'natural' } as const;
    dispatcher.add('a.aligned', port(aligned), 0x520, { ...this.#watch(16, [1, 4]), read8: () => undefined });
    dispatcher.place(dispatcher.declareFunction('a.pci', this.#watch(256 + 3, [1, 2, 4])), 0x28);
    dispatcher.add('a.top', memory({ size: 64 }), top - 63, this.#watch(64, [1, 2, 4]));
  }

  get counters(): DispatchCounters {
    return this.#dispatcher.counters;
  }

  /**
   * Dispatches so many.
   *
   * @throws Error what a request got that it must not get; anything that the dispatcher throws
   */
  run(requests: number): void {
    const words = this.#words;
    for (let i = 0; i < requests; i++) {
      const { type, bits, size, count, address, data } = this.requests.next();
      words[word.type] = type;
      words[word.bits] = bits;
      words[word.size] = size;
      words[word.count] = count;
      words[word.addrLow] = Number(address & 0xffff_ffffn);
      words[word.addrHigh] = Number(address >> 32n);
      words[word.dataLow] = Number(data & 0xffff_ffffn);
      words[word.dataHigh] = Number(data >> 32n);
      const [callsBefore, mapsBefore] = [this.calls, this.ram.maps];
      this.#dispatcher.dispatch();
      if (this.calls - callsBefore > mostCalls) throw new Error(`${this.calls - callsBefore} calls for one request`);
      if (this.ram.maps - mapsBefore > mostMaps)
        throw new Error(`${this.ram.maps - mapsBefore} frames for one request`);
    }
  }

  #watch(size: number, widths: readonly number[]): RegionHandler {
    const check = (offset: number, width: number): void => {
      this.calls++;
      const isInside = Number.isInteger(offset) && offset >= 0 && offset + width <= size && widths.includes(width);
      if (!isInside) throw new Error(`an access of ${width} bytes at ${offset} of a region of ${size}`);
    };
    return {
      read: (offset: number, width: AccessSize) => (check(offset, width), offset),
      write: (offset: number, width: AccessSize, value: number) => {
        check(offset, width);
        if (!(Number.isInteger(value) && value >= 0 && value < 2 ** (8 * width))) throw new Error(`${value} written`);
      },
    };
  }
}
