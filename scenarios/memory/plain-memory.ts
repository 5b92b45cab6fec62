/** What plain memory would hold, byte by byte; what was never written holds `fill`. */
export class PlainMemory {
  readonly #bytes = new Map<bigint, number>();
  readonly #fill: number;
  readonly #isOwned: (address: bigint) => boolean;

  /** @param isOwned addresses that somebody owns; the others read all ones and forget what is written */
  constructor(fill = 0, isOwned: (address: bigint) => boolean = () => true) {
    this.#fill = fill;
    this.#isOwned = isOwned;
  }

  byte(at: bigint): number {
    return this.#isOwned(at) ? (this.#bytes.get(at) ?? this.#fill) : 0xff;
  }

  setByte(at: bigint, value: number): void {
    if (this.#isOwned(at)) this.#bytes.set(at, value & 0xff);
  }

  bytes(at: bigint, length: number): Uint8Array {
    return Uint8Array.from({ length }, (_, i) => this.byte(at + BigInt(i)));
  }

  setBytes(at: bigint, bytes: Uint8Array): void {
    bytes.forEach((byte, i) => this.setByte(at + BigInt(i), byte));
  }

  /** The unsigned value of `size` little-endian bytes. */
  load(at: bigint, size: number): bigint {
    return this.bytes(at, size).reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
  }

  store(at: bigint, size: number, value: bigint): void {
    for (let i = 0; i < size; i++) this.setByte(at + BigInt(i), Number((value >> BigInt(8 * i)) & 0xffn));
  }
}
