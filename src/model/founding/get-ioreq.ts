import { IoreqSlot } from '../../abi/ioreq-slot.ts';
import { xenBug } from '../xen-bug.ts';
import type { Vcpu } from './domain.ts';
import type { IoreqServer } from './ioreq-server.ts';

/**
 * get_ioreq: a vCPU's slot of a server's page. That the page is set is only asserted: nothing but the double pause of
 * {@link initIoreqServer} sees to it. Before the patch a missing page meant that the domain had no emulator.
 */
export function getIoreq(server: IoreqServer, vcpu: Vcpu): IoreqSlot {
  if (server.ioreq === undefined) throw xenBug('get_ioreq: the ioreq page is not set');
  return new IoreqSlot(server.ioreq.bytes, vcpu.id);
}
