import type { BufferedIoreq, BufferedPage } from '../../abi/buffered-page.ts';
import { bufferedSlots } from '../../abi/ioreq.ts';
import type { Ioreq } from '../../abi/ioreq-slot.ts';

/** `handle_bufioreq` of create_ioreq_server: HVM_IOREQSRV_BUFIOREQ_* of public/hvm/hvm_op.h. */
export const bufferedMode = { off: 0, legacy: 1, atomic: 2 } as const;

/** Highest address of an entry: its field has 20 bits. */
const maxAddress = 0xfffffn;

/**
 * What became of a request that was to be buffered. `refused`: it takes the synchronous way. `dropped`: Xen says that
 * it is done, but it is lost.
 */
export type BufferedOutcome = 'buffered' | 'refused' | 'dropped';

/**
 * Xen's side of the ring: hvm_send_buffered_ioreq(), later ioreq_send_buffered(). The consumer may have written
 * anything into the page.
 *
 * @param mode `bufferedMode`
 * @param isHonest the version's fact `honestBufferedSend`
 */
export function sendBuffered(page: BufferedPage, request: Ioreq, mode: number, isHonest: boolean): BufferedOutcome {
  if (request.addr > maxAddress || request.dataIsPointer || request.count !== 1) {
    return isHonest ? 'refused' : 'dropped';
  }
  const { size } = request;
  if (size !== 1 && size !== 2 && size !== 4 && size !== 8) return 'refused';
  const slots = size === 8 ? 2 : 1;
  if (page.used > bufferedSlots - slots) return 'refused';

  const write = page.writePointer;
  const entry = { type: request.type, addr: Number(request.addr), isRead: request.isRead, size } as const;
  for (let i = 0; i < slots; i++) {
    page.write(write + i, { ...entry, data: Number(BigInt.asUintN(32, request.data >> BigInt(32 * i))) });
  }
  page.writePointer = write + slots;

  // Xen loops up to 511 times, against a consumer that moves read_pointer meanwhile; here nobody does.
  if (mode === bufferedMode.atomic && page.readPointer >= bufferedSlots) {
    const excess = page.readPointer - (page.readPointer % bufferedSlots);
    page.readPointer -= excess;
    page.writePointer -= excess;
  }
  return 'buffered';
}

/** An entry of the ring with all its data: what {@link takeBuffered} gives. */
export interface BufferedEntry extends Omit<BufferedIoreq, 'data'> {
  /** `size` bytes. */
  readonly data: bigint;
}

/** The device model's side: takes the oldest entry, which may be of two slots; undefined when the ring is empty. */
export function takeBuffered(page: BufferedPage): BufferedEntry | undefined {
  const read = page.readPointer;
  if (page.used === 0) return undefined;
  const { data, ...entry } = page.read(read);
  if (entry.size !== 8) {
    page.readPointer = read + 1;
    return { ...entry, data: BigInt(data) };
  }
  page.readPointer = read + 2;
  return { ...entry, data: BigInt(data) | (BigInt(page.read(read + 1).data) << 32n) };
}
