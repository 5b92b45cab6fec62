import { ioreqType } from '../../../abi/ioreq.ts';
import { toBytes, toValue } from '../bytes.ts';
import type { Answer, IoRequest, World } from '../world.ts';

/** A request, short: what is 0 or false is left out. */
export type Brief = Partial<Omit<IoRequest, 'type'>> & { readonly pio?: true };

/**
 * RAM and, everywhere else, a device whose memory is plain memory and whose ports are bytes; keeps the requests. A port
 * remembers what was written to it last. Like QEMU it follows a pointer to data wherever it leads.
 */
export class PlainWorld implements World {
  readonly requests: IoRequest[] = [];
  readonly #isRam: (frame: bigint) => boolean;
  readonly #frames = new Map<bigint, Uint8Array>();
  readonly #ports = new Map<bigint, bigint>();
  /** Given instead of carrying a request out, when it returns something. */
  readonly #instead: ((request: IoRequest) => Answer | undefined) | undefined;

  /** @param isRam which frames are RAM, by number */
  constructor(isRam: (frame: bigint) => boolean, instead?: (request: IoRequest) => Answer | undefined) {
    this.#isRam = isRam;
    this.#instead = instead;
  }

  isRam(address: bigint): boolean {
    return this.#isRam(address >> 12n);
  }

  readRam(address: bigint, length: number): Uint8Array {
    if (!this.isRam(address)) throw new Error(`0x${address.toString(16)} is no RAM`);
    return this.#peek(address, length);
  }

  writeRam(address: bigint, bytes: Uint8Array): void {
    if (!this.isRam(address)) throw new Error(`0x${address.toString(16)} is no RAM`);
    this.#poke(address, bytes);
  }

  send(request: IoRequest): Answer {
    this.requests.push(request);
    const instead = this.#instead?.(request);
    if (instead !== undefined) return instead;
    const { type, isRead, dataIsPointer, size, count, address } = request;
    let { data } = request;
    const step = BigInt(request.backwards ? -size : size);
    for (let i = 0n; i < count; i++) {
      const at = type === ioreqType.pio ? address : address + i * step;
      const memory = request.data + i * step;
      if (isRead) {
        data = type === ioreqType.pio ? (this.#ports.get(at) ?? 0n) : toValue(this.#peek(at, size));
        if (dataIsPointer) this.#poke(memory, toBytes(data, size));
      } else {
        if (dataIsPointer) data = toValue(this.#peek(memory, size));
        if (type === ioreqType.pio) this.#ports.set(at, data);
        else this.#poke(at, toBytes(data, size));
      }
    }
    return { data: isRead && !dataIsPointer ? data : 0n, count, isFromServer: true };
  }

  /** Bytes of RAM or of the device, over any number of frames. */
  bytes(address: bigint, length: number): Uint8Array {
    return Uint8Array.from({ length }, (_, i) => this.#peek(address + BigInt(i), 1)[0] ?? 0);
  }

  /** Sets bytes of RAM or of the device, over any number of frames. */
  set(address: bigint, bytes: Uint8Array): void {
    bytes.forEach((byte, i) => this.#poke(address + BigInt(i), Uint8Array.of(byte)));
  }

  /** What was asked for, without what is 0 or false. */
  get brief(): Brief[] {
    return this.requests.map(({ type, ...rest }) => ({
      ...(type === ioreqType.pio ? { pio: true as const } : {}),
      ...Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== false && value !== 0n)),
    }));
  }

  /** In any frame, and across its end. */
  #peek(address: bigint, length: number): Uint8Array {
    return Uint8Array.from({ length }, (_, i) => {
      const at = address + BigInt(i);
      return this.#frame(at)[Number(at & 0xfffn)] ?? 0;
    });
  }

  #poke(address: bigint, bytes: Uint8Array): void {
    bytes.forEach((byte, i) => {
      const at = address + BigInt(i);
      this.#frame(at)[Number(at & 0xfffn)] = byte;
    });
  }

  #frame(address: bigint): Uint8Array {
    const number = address >> 12n;
    const frame = this.#frames.get(number) ?? new Uint8Array(0x1000);
    this.#frames.set(number, frame);
    return frame;
  }
}
