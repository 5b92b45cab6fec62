import { frameBytes } from '../../abi/ioreq.ts';

interface Frame {
  readonly bytes: Uint8Array;
  /** 1 for each byte that is known. */
  readonly known: Uint8Array;
}

/** Guest memory of which only some bytes are known. */
export class KnownMemory {
  readonly #frames = new Map<bigint, Frame>();

  /** Bytes of one frame; `isKnown` when all of them are, else unknown ones are 0. */
  read(address: bigint, length: number): { readonly bytes: Uint8Array; readonly isKnown: boolean } {
    const { frame, at } = this.#find(address);
    return {
      bytes: frame.bytes.slice(at, at + length),
      isKnown: frame.known.subarray(at, at + length).every((known) => known === 1),
    };
  }

  /** Sets bytes of one frame. */
  write(address: bigint, bytes: Uint8Array): void {
    const { frame, at } = this.#find(address);
    frame.bytes.set(bytes, at);
    frame.known.fill(1, at, at + bytes.length);
  }

  /** Forgets bytes of one frame. */
  forget(address: bigint, length: number): void {
    const { frame, at } = this.#find(address);
    frame.bytes.fill(0, at, at + length);
    frame.known.fill(0, at, at + length);
  }

  /** Forgets everything. */
  clear(): void {
    this.#frames.clear();
  }

  /** The first byte of one frame's piece that is known and not what it is said to be; takes over what is said. */
  compare(address: bigint, bytes: Uint8Array): bigint | undefined {
    const { frame, at } = this.#find(address);
    const wrong = bytes.findIndex((byte, i) => frame.known[at + i] === 1 && frame.bytes[at + i] !== byte);
    this.write(address, bytes);
    return wrong === -1 ? undefined : address + BigInt(wrong);
  }

  #find(address: bigint): { frame: Frame; at: number } {
    const number = address / BigInt(frameBytes);
    const frame = this.#frames.get(number) ?? { bytes: new Uint8Array(frameBytes), known: new Uint8Array(frameBytes) };
    this.#frames.set(number, frame);
    return { frame, at: Number(address % BigInt(frameBytes)) };
  }
}
