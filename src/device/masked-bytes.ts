/**
 * Registers as bytes: what each bit does when a guest writes it is said by two masks. Any access at any offset; nothing
 * throws, and what lies behind the end reads all ones.
 */
export class MaskedBytes {
  readonly bytes: Uint8Array;
  /** Bits that take what is written. */
  readonly writable: Uint8Array;
  /** Bits that a written 1 clears. */
  readonly clearable: Uint8Array;

  /** @param bytes what they hold at first; no bit can be written */
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.writable = new Uint8Array(bytes.length);
    this.clearable = new Uint8Array(bytes.length);
  }

  read(offset: number): number {
    return this.bytes[offset] ?? 0xff;
  }

  write(offset: number, value: number): void {
    if (offset >= this.bytes.length) return;
    const now = this.bytes[offset] as number;
    const writable = this.writable[offset] as number;
    const cleared = value & (this.clearable[offset] as number);
    this.bytes[offset] = ((now & ~writable) | (value & writable)) & ~cleared;
  }
}
