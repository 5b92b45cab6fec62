import { frameBytes } from '../../abi/ioreq.ts';
import type { Ioreq } from './ioreq-page.ts';

/** Slots of the ring: IOREQ_BUFFER_SLOT_NUM of public/hvm/ioreq.h. */
export const bufferedSlots = 511;

/** `handle_bufioreq` of create_ioreq_server: HVM_IOREQSRV_BUFIOREQ_* of public/hvm/hvm_op.h. */
export const bufferedMode = { off: 0, legacy: 1, atomic: 2 } as const;

/** Highest address of an entry: its field has 20 bits. */
const maxAddress = 0xfffffn;

/** What a ring entry holds. */
export interface BufferedEntry {
  readonly type: number;
  readonly isRead: boolean;
  readonly size: number;
  readonly address: number;
  readonly data: bigint;
}

/** What became of a request that was to be buffered. `dropped`: Xen says that it is done, but it is lost. */
export type BufferedOutcome = 'buffered' | 'refused' | 'dropped';

/** The ring page (`buffered_iopage`): two 32-bit counters and 511 entries of 8 bytes, in Xen's layout. */
export class BufferedPage {
  readonly bytes: ArrayBuffer;
  readonly #view: DataView;

  constructor(bytes: ArrayBuffer = new ArrayBuffer(frameBytes)) {
    this.bytes = bytes;
    this.#view = new DataView(bytes);
  }

  get readPointer(): number {
    return this.#view.getUint32(0, true);
  }

  set readPointer(value: number) {
    this.#view.setUint32(0, value >>> 0, true);
  }

  get writePointer(): number {
    return this.#view.getUint32(4, true);
  }

  set writePointer(value: number) {
    this.#view.setUint32(4, value >>> 0, true);
  }

  /**
   * Xen's side, hvm_send_buffered_ioreq() and later ioreq_send_buffered(). `refused`: the request takes the
   * synchronous way.
   *
   * @param claimsSuccess Xen before 2e0b545b84 says that it has handled what the ring cannot hold
   */
  send(request: Ioreq, mode: number, claimsSuccess: boolean): BufferedOutcome {
    if (request.address > maxAddress || request.dataIsPointer || request.count !== 1) {
      return claimsSuccess ? 'dropped' : 'refused';
    }
    const log = [1, 2, 4, 8].indexOf(request.size);
    if (log < 0) return 'refused';
    const isWide = log === 3;
    const write = this.writePointer;
    if ((write - this.readPointer) >>> 0 >= bufferedSlots - Number(isWide)) return 'refused';

    const header = (request.type & 0xff) | (request.isRead ? 0x200 : 0) | (log << 10) | (Number(request.address) << 12);
    this.#writeSlot(write, header, request.data);
    if (isWide) this.#writeSlot((write + 1) >>> 0, header, request.data >> 32n);
    this.writePointer = write + (isWide ? 2 : 1);

    // Xen loops at most 511 times, against a consumer that moves read_pointer meanwhile; here nobody does.
    if (mode === bufferedMode.atomic && this.readPointer >= bufferedSlots) {
      const excess = Math.floor(this.readPointer / bufferedSlots) * bufferedSlots;
      this.readPointer -= excess;
      this.writePointer -= excess;
    }
    return 'buffered';
  }

  #writeSlot(pointer: number, header: number, data: bigint): void {
    const at = 8 + (pointer % bufferedSlots) * 8;
    this.#view.setUint32(at, header >>> 0, true);
    this.#view.setUint32(at + 4, Number(data & 0xffff_ffffn), true);
  }

  /** The device model's side: takes the oldest entry, one or two slots, or undefined. */
  take(): BufferedEntry | undefined {
    const read = this.readPointer;
    if (read === this.writePointer) return undefined;
    const at = (pointer: number): number => 8 + ((pointer >>> 0) % bufferedSlots) * 8;
    const header = this.#view.getUint32(at(read), true);
    const size = 1 << ((header >>> 10) & 3);
    let data = BigInt(this.#view.getUint32(at(read) + 4, true));
    if (size === 8) data |= BigInt(this.#view.getUint32(at(read + 1) + 4, true)) << 32n;
    this.readPointer = read + (size === 8 ? 2 : 1);
    return { type: header & 0xff, isRead: (header & 0x200) !== 0, size, address: header >>> 12, data };
  }

  clear(): void {
    new Uint8Array(this.bytes).fill(0);
  }
}
