import { frameBytes } from '../../abi/ioreq.ts';

/** A guest's RAM from address 0 on: frames of zeros, made when they are first touched. */
export class GuestRam {
  readonly #frames = new Map<number, ArrayBuffer>();
  readonly #count: number;

  readonly #hasVgaHole: boolean;

  /**
   * @param bytes a whole number of frames
   * @param hasVgaHole none of it at 0xa0000 to 0xbffff, as in HVM guests (meminit_hvm in tools/libs/guest/xg_dom_x86.c)
   */
  constructor(bytes: number, hasVgaHole: boolean) {
    this.#count = bytes / frameBytes;
    this.#hasVgaHole = hasVgaHole;
  }

  has(gfn: number): boolean {
    return gfn >= 0 && gfn < this.#count && !(this.#hasVgaHole && gfn >= 0xa0 && gfn < 0xc0);
  }

  /** The frame itself; undefined where there is none. */
  frame(gfn: number): ArrayBuffer | undefined {
    if (!this.has(gfn)) return undefined;
    const known = this.#frames.get(gfn);
    if (known !== undefined) return known;
    const made = new ArrayBuffer(frameBytes);
    this.#frames.set(gfn, made);
    return made;
  }

  /** The bytes in place, which must lie in one frame of the guest's. */
  bytes(address: bigint, length: number): Uint8Array {
    const gfn = Number(address >> 12n);
    const frame = this.frame(gfn);
    if (frame === undefined) throw new RangeError(`there is no RAM at 0x${address.toString(16)}`);
    return new Uint8Array(frame, Number(address & 0xfffn), length);
  }
}
