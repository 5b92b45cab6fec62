import { ioreqType } from '../../../abi/ioreq.ts';
import { toBytes, toValue } from '../bytes.ts';
import { frames, type Answer, type IoRequest, type World } from '../world.ts';

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
    return this.bytes(address, length);
  }

  writeRam(address: bigint, bytes: Uint8Array): void {
    if (!this.isRam(address)) throw new Error(`0x${address.toString(16)} is no RAM`);
    this.set(address, bytes);
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
        data = type === ioreqType.pio ? (this.#ports.get(at) ?? 0n) : toValue(this.bytes(at, size));
        if (dataIsPointer) this.set(memory, toBytes(data, size));
      } else {
        if (dataIsPointer) data = toValue(this.bytes(memory, size));
        if (type === ioreqType.pio) this.#ports.set(at, data);
        else this.set(at, toBytes(data, size));
      }
    }
    return { data: isRead && !dataIsPointer ? data : 0n, count, isFromServer: true };
  }

  /** Bytes of RAM or of the device, over any number of frames. */
  bytes(address: bigint, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (const part of frames(address, length)) {
      const at = Number(part.address & 0xfffn);
      bytes.set(this.#frame(part.address).subarray(at, at + part.length), part.offset);
    }
    return bytes;
  }

  /** Sets bytes of RAM or of the device, over any number of frames. */
  set(address: bigint, bytes: Uint8Array): void {
    for (const part of frames(address, bytes.length)) {
      const piece = bytes.subarray(part.offset, part.offset + part.length);
      this.#frame(part.address).set(piece, Number(part.address & 0xfffn));
    }
  }

  /** What was asked for, without what is 0 or false. */
  get brief(): Brief[] {
    return this.requests.map(({ type, ...rest }) => ({
      ...(type === ioreqType.pio ? { pio: true as const } : {}),
      ...Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== false && value !== 0n)),
    }));
  }

  #frame(address: bigint): Uint8Array {
    const number = address >> 12n;
    const frame = this.#frames.get(number) ?? new Uint8Array(0x1000);
    this.#frames.set(number, frame);
    return frame;
  }
}
