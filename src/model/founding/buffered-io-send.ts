import { BufferedPage, type BufferedIoreq } from '../../abi/buffered-page.ts';
import type { Ioreq } from '../../abi/ioreq-slot.ts';
import { bufferedSlots, ioreqType } from '../../abi/ioreq.ts';
import { xenBug } from '../xen-bug.ts';
import type { Vcpu } from './domain.ts';

/**
 * hvm_buffered_io_send: puts a request into the ring of the buffered page and tells the emulator; the vCPU does not wait. The ring
 * has 20 bits for the address, none for a count or a pointer, and 32 for the data: an 8-byte access takes two slots.
 *
 * @returns false when the ring cannot take it or is full: it goes the synchronous way
 */
export function bufferedIoSend(vcpu: Vcpu, request: Ioreq): boolean {
  const { domain } = vcpu;
  const server = domain.ioreqServer;
  if (server === undefined) return false;
  const { addr, size, type, isRead } = request;
  if (addr > 0xfffffn || request.dataIsPointer || request.count !== 1) return false;
  if (size !== 1 && size !== 2 && size !== 4 && size !== 8) return false;
  if (server.bufioreq === undefined) throw xenBug('hvm_buffered_io_send: the buffered page is not set');
  const page = new BufferedPage(server.bufioreq.bytes);
  const slots = size === 8 ? 2 : 1;
  if (page.used >= bufferedSlots - (slots - 1)) return false;

  const slot: Omit<BufferedIoreq, 'data'> = { type, isRead, size, addr: Number(addr) };
  const count = page.writePointer;
  page.write(count, { ...slot, data: Number(request.data & 0xffffffffn) });
  if (slots === 2) page.write(count + 1, { ...slot, data: Number((request.data >> 32n) & 0xffffffffn) });
  page.writePointer = count + slots;
  if (server.bufioreqEvtchn === undefined) throw xenBug('hvm_buffered_io_send: vCPU 0 was never added');
  domain.channels.notifyViaXen(domain.domid, server.bufioreqEvtchn);
  return true;
}

/**
 * send_timeoffset_req (hvm/io.c): the guest has set its clock. There is no second way for it: when the ring is full, it is lost.
 *
 * @param seconds the change, signed
 * @returns false when it is lost
 */
export function sendTimeoffsetReq(vcpu: Vcpu, seconds: bigint): boolean {
  if (seconds === 0n) return true;
  return bufferedIoSend(vcpu, {
    ...{ type: ioreqType.timeOffset, addr: 0n, data: BigInt.asUintN(64, seconds), count: 1, size: 8 },
    ...{ isRead: false, dataIsPointer: false, backwards: false },
  });
}
