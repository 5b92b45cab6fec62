import { frameBytes, ioreqBytes, ioreqState } from '../../abi/ioreq.ts';

/** An access as it travels to a device model: struct ioreq of public/hvm/ioreq.h without what Xen itself needs. */
export interface Ioreq {
  /** `ioreqType` of src/abi. */
  readonly type: number;
  /** Port, guest-physical address, or the encoded address of a configuration cycle. */
  readonly address: bigint;
  /** What is written; with `dataIsPointer` the guest-physical address of the data. */
  readonly data: bigint;
  /** Bytes of one repetition. */
  readonly size: number;
  readonly count: number;
  readonly isRead: boolean;
  readonly dataIsPointer: boolean;
  /** `df`: addresses step downwards. */
  readonly backwards: boolean;
}

const stateBits = 0x0f;
const pointerBit = 0x10;
const readBit = 0x20;
const backwardsBit = 0x40;

/** The page with a slot for each vCPU (`shared_iopage`), as Xen and the device model share it: bytes in Xen's layout. */
export class IoreqPage {
  readonly bytes: ArrayBuffer;
  readonly #view: DataView;

  constructor(bytes: ArrayBuffer = new ArrayBuffer(frameBytes)) {
    this.bytes = bytes;
    this.#view = new DataView(bytes);
  }

  state(vcpu: number): number {
    return this.#view.getUint8(vcpu * ioreqBytes + 30) & stateBits;
  }

  setState(vcpu: number, state: number): void {
    const at = vcpu * ioreqBytes + 30;
    this.#view.setUint8(at, (this.#view.getUint8(at) & ~stateBits) | (state & stateBits));
  }

  /** `vp_eport`: Xen's end of the vCPU's channel. */
  port(vcpu: number): number {
    return this.#view.getUint32(vcpu * ioreqBytes + 24, true);
  }

  setPort(vcpu: number, port: number): void {
    this.#view.setUint32(vcpu * ioreqBytes + 24, port, true);
  }

  data(vcpu: number): bigint {
    return this.#view.getBigUint64(vcpu * ioreqBytes + 8, true);
  }

  setData(vcpu: number, data: bigint): void {
    this.#view.setBigUint64(vcpu * ioreqBytes + 8, data, true);
  }

  /** Fills a slot; its state becomes NONE, as in Xen: the caller makes it READY. */
  write(vcpu: number, request: Ioreq, port: number): void {
    const at = vcpu * ioreqBytes;
    this.#view.setBigUint64(at, request.address, true);
    this.#view.setBigUint64(at + 8, request.data, true);
    this.#view.setUint32(at + 16, request.count, true);
    this.#view.setUint32(at + 20, request.size, true);
    this.#view.setUint32(at + 24, port, true);
    this.#view.setUint16(at + 28, 0, true);
    this.#view.setUint8(
      at + 30,
      ioreqState.none |
        (request.dataIsPointer ? pointerBit : 0) |
        (request.isRead ? readBit : 0) |
        (request.backwards ? backwardsBit : 0),
    );
    this.#view.setUint8(at + 31, request.type);
  }

  /** What a slot holds, whatever its state. */
  read(vcpu: number): Ioreq {
    const at = vcpu * ioreqBytes;
    const bits = this.#view.getUint8(at + 30);
    return {
      address: this.#view.getBigUint64(at, true),
      data: this.#view.getBigUint64(at + 8, true),
      count: this.#view.getUint32(at + 16, true),
      size: this.#view.getUint32(at + 20, true),
      type: this.#view.getUint8(at + 31),
      isRead: (bits & readBit) !== 0,
      dataIsPointer: (bits & pointerBit) !== 0,
      backwards: (bits & backwardsBit) !== 0,
    };
  }

  /** Xen's clear_page(). */
  clear(): void {
    new Uint8Array(this.bytes).fill(0);
  }
}
