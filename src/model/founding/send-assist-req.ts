import type { Ioreq } from '../../abi/ioreq-slot.ts';
import { ioreqState, ioreqType } from '../../abi/ioreq.ts';
import { crashDomain, startShutdownDeferral, type Vcpu } from './domain.ts';
import { getIoreq } from './get-ioreq.ts';
import type { IoreqServer } from './ioreq-server.ts';

/**
 * hvm_send_assist_req: puts a vCPU's request into its slot, marks the vCPU as waiting, makes the slot READY and tells the
 * emulator, in this order. A slot that is in use is the emulator's doing: the domain crashes.
 *
 * The port that is told is the slot's, which the emulator can overwrite, and so can the guest, whose memory it is: with one that
 * is none of Xen's, Xen is lost. 125833f5f1 (2014-07-25) takes the port from the server and crashes the domain instead.
 *
 * @param server the domain's only one, unless a test has made a second, as later patches of the series do
 * @returns false when nothing was sent: the domain shuts down, has no server, or has just crashed
 */
export function sendAssistReq(
  vcpu: Vcpu,
  request: Ioreq,
  server: IoreqServer | undefined = vcpu.domain.ioreqServer,
): boolean {
  const { domain } = vcpu;
  if (!startShutdownDeferral(vcpu)) return false;
  if (server === undefined) return false;
  const slot = getIoreq(server, vcpu);
  if (slot.state !== ioreqState.none) {
    crashDomain(domain, `Device model set bad IO state ${slot.state}.`);
    return false;
  }
  slot.write(request);
  vcpu.isBlockedInXen = true;
  vcpu.inFlight = server;
  slot.state = ioreqState.ready;
  domain.channels.notifyViaXen(domain.domid, slot.vpEport);
  return true;
}

/** send_invalidate_req (hvm/io.c): the emulator has to drop its mappings of the guest's memory. Its count is 0. */
export function sendInvalidateReq(vcpu: Vcpu): void {
  sendAssistReq(vcpu, {
    ...{ type: ioreqType.invalidate, addr: 0n, data: 0xffffffffffffffffn, count: 0, size: 4 },
    ...{ isRead: false, dataIsPointer: false, backwards: false },
  });
}
