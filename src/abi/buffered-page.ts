import { bufferedSlots, frameBytes } from './ioreq.ts';

/** One slot of the ring: struct buf_ioreq. */
export interface BufferedIoreq {
  /** `ioreqType`, 0 to 255. */
  readonly type: number;
  /** 20 bits. */
  readonly addr: number;
  /** 32 bits: of an 8-byte access, which takes two slots, the low half in the first. */
  readonly data: number;
  /** The access's bytes. */
  readonly size: 1 | 2 | 4 | 8;
  readonly isRead: boolean;
}

const sizes = [1, 2, 4, 8] as const;
const slotsAt = 8;

/**
 * The buffered page, in place: struct buffered_iopage of Xen's public/hvm/ioreq.h. Nothing is atomic and there is no
 * barrier: both sides of it are one thread.
 */
export class BufferedPage {
  readonly #view: DataView;

  constructor(page: ArrayBufferLike) {
    this.#view = new DataView(page, 0, frameBytes);
  }

  /** Counts slots without end, modulo 2^32; the consumer's. */
  get readPointer(): number {
    return this.#view.getUint32(0, true);
  }

  set readPointer(count: number) {
    this.#view.setUint32(0, count, true);
  }

  /** Counts slots without end, modulo 2^32; Xen's. */
  get writePointer(): number {
    return this.#view.getUint32(4, true);
  }

  set writePointer(count: number) {
    this.#view.setUint32(4, count, true);
  }

  /** Slots that were written and not read; beyond 511 when the consumer wrote nonsense. */
  get used(): number {
    return (this.writePointer - this.readPointer) >>> 0;
  }

  /** The slot that a pointer's count names. */
  read(count: number): BufferedIoreq {
    const at = this.#offset(count);
    const header = this.#view.getUint32(at, true);
    return {
      type: header & 0xff,
      isRead: (header & 0x200) !== 0,
      size: sizes[(header >>> 10) & 3] as 1 | 2 | 4 | 8,
      addr: header >>> 12,
      data: this.#view.getUint32(at + 4, true),
    };
  }

  /** Numbers are truncated to their fields. */
  write(count: number, slot: BufferedIoreq): void {
    const at = this.#offset(count);
    const direction = slot.isRead ? 0x200 : 0;
    const header = (slot.type & 0xff) | direction | (sizes.indexOf(slot.size) << 10) | (slot.addr << 12);
    this.#view.setUint32(at, header, true);
    this.#view.setUint32(at + 4, slot.data, true);
  }

  #offset(count: number): number {
    return slotsAt + 8 * ((count >>> 0) % bufferedSlots);
  }
}
