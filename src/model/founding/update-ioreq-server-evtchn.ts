import { getIoreq } from './get-ioreq.ts';
import type { IoreqServer, IoreqVcpu } from './ioreq-server.ts';

/**
 * hvm_update_ioreq_server_evtchn; hvm_update_ioreq_evtchn in bb6d5e155d. Tells the emulator a vCPU's port, in `vp_eport` of its
 * slot, once there is a page.
 */
export function updateIoreqServerEvtchn(server: IoreqServer, { vcpu, ioreqEvtchn }: IoreqVcpu): void {
  if (server.ioreq !== undefined) getIoreq(server, vcpu).vpEport = ioreqEvtchn;
}
