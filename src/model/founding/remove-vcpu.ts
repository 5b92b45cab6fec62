import { xenBug } from '../xen-bug.ts';
import type { Vcpu } from './domain.ts';
import type { IoreqServer } from './ioreq-server.ts';

/**
 * hvm_ioreq_server_remove_vcpu, of hvm_vcpu_destroy: frees a vCPU's channel, and with vCPU 0 the buffered page's. Its slot, and
 * HVM_PARAM_BUFIOREQ_EVTCHN, keep the numbers of ports that are no more. A vCPU that was never added is passed over.
 */
export function removeVcpu(server: IoreqServer, vcpu: Vcpu): void {
  const { domain } = server;
  const removed = server.vcpus.find((candidate) => candidate.vcpu === vcpu);
  if (removed === undefined) return;
  server.vcpus = server.vcpus.filter((other) => other !== removed);
  if (vcpu.id === 0) {
    if (server.bufioreqEvtchn === undefined)
      throw xenBug('hvm_ioreq_server_remove_vcpu: vCPU 0 without its second channel');
    domain.channels.freeXen(domain.domid, server.bufioreqEvtchn);
  }
  domain.channels.freeXen(domain.domid, removed.ioreqEvtchn);
  domain.heap.free();
}
