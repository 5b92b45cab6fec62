import { ioreqBytes } from './ioreq.ts';

/** One request, as struct ioreq holds it; `state` and `vp_eport` belong to the slot. */
export interface Ioreq {
  /** `ioreqType`, 0 to 255. */
  readonly type: number;
  /** Port, guest-physical address or PCI_CONFIG address; 64 bits. */
  readonly addr: bigint;
  /** The value, or its guest-physical address when `dataIsPointer`; 64 bits. */
  readonly data: bigint;
  /** Repetitions; 32 bits. */
  readonly count: number;
  /** Bytes of one repetition; 32 bits. */
  readonly size: number;
  readonly isRead: boolean;
  readonly dataIsPointer: boolean;
  /** DF: repetitions go down. */
  readonly backwards: boolean;
}

const at = { addr: 0, data: 8, count: 16, size: 20, vpEport: 24, bits: 30, type: 31 } as const;
const bit = { dataIsPointer: 0x10, read: 0x20, backwards: 0x40 } as const;

/**
 * A vCPU's slot of the synchronous page, in place: struct ioreq of Xen's public/hvm/ioreq.h. Not for the hot path, where
 * the addon reads the page. Nothing is atomic and there is no barrier: both sides of it are one thread.
 */
export class IoreqSlot {
  readonly #view: DataView;

  /** @param vcpu 0 to 127 */
  constructor(page: ArrayBufferLike, vcpu: number) {
    this.#view = new DataView(page, vcpu * ioreqBytes, ioreqBytes);
  }

  /** 4 bits: `ioreqState`, or what the other side made of it. */
  get state(): number {
    return this.#view.getUint8(at.bits) & 0xf;
  }

  /** The other bits of its byte stay. */
  set state(state: number) {
    this.#view.setUint8(at.bits, (this.#view.getUint8(at.bits) & 0xf0) | (state & 0xf));
  }

  /** The port on the guest's side of the vCPU's event channel. */
  get vpEport(): number {
    return this.#view.getUint32(at.vpEport, true);
  }

  set vpEport(port: number) {
    this.#view.setUint32(at.vpEport, port, true);
  }

  get data(): bigint {
    return this.#view.getBigUint64(at.data, true);
  }

  /** Truncated to 64 bits. */
  set data(data: bigint) {
    this.#view.setBigUint64(at.data, data, true);
  }

  /** A copy of the request. */
  read(): Ioreq {
    const view = this.#view;
    const bits = view.getUint8(at.bits);
    return {
      type: view.getUint8(at.type),
      addr: view.getBigUint64(at.addr, true),
      data: view.getBigUint64(at.data, true),
      count: view.getUint32(at.count, true),
      size: view.getUint32(at.size, true),
      isRead: (bits & bit.read) !== 0,
      dataIsPointer: (bits & bit.dataIsPointer) !== 0,
      backwards: (bits & bit.backwards) !== 0,
    };
  }

  /** Writes all but `state` and `vpEport`; numbers are truncated to their fields. */
  write(ioreq: Ioreq): void {
    const view = this.#view;
    view.setBigUint64(at.addr, ioreq.addr, true);
    view.setBigUint64(at.data, ioreq.data, true);
    view.setUint32(at.count, ioreq.count, true);
    view.setUint32(at.size, ioreq.size, true);
    const bits =
      (ioreq.isRead ? bit.read : 0) |
      (ioreq.dataIsPointer ? bit.dataIsPointer : 0) |
      (ioreq.backwards ? bit.backwards : 0);
    view.setUint8(at.bits, this.state | bits);
    view.setUint8(at.type, ioreq.type);
  }
}
