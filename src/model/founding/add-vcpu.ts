import { hvmParam } from '../../abi/hvm-param.ts';
import { isErrno, type Errno } from '../errno.ts';
import type { Vcpu } from './domain.ts';
import type { IoreqServer } from './ioreq-server.ts';
import { updateIoreqServerEvtchn } from './update-ioreq-server-evtchn.ts';
import { wakeFromXen } from './wake-from-xen.ts';

/**
 * hvm_ioreq_server_add_vcpu, of hvm_vcpu_initialise: gives a vCPU its channel to the emulating domain, and vCPU 0 the buffered
 * page's beside it. When the second cannot be had, the first is given back (`fail3`).
 *
 * @returns ENOMEM, or what the event channels give back
 */
export function addVcpu(server: IoreqServer, vcpu: Vcpu): Errno | undefined {
  const { domain } = server;
  const { channels } = domain;
  if (!domain.heap.allocate()) return 'ENOMEM';

  const ioreqEvtchn = channels.allocUnboundXen(domain.domid, vcpu.id, server.domid, wakeFromXen(domain));
  if (isErrno(ioreqEvtchn)) {
    domain.heap.free();
    return ioreqEvtchn;
  }
  if (vcpu.id === 0) {
    const bufioreqEvtchn = channels.allocUnboundXen(domain.domid, vcpu.id, server.domid, wakeFromXen(domain));
    if (isErrno(bufioreqEvtchn)) {
      channels.freeXen(domain.domid, ioreqEvtchn);
      domain.heap.free();
      return bufioreqEvtchn;
    }
    server.bufioreqEvtchn = bufioreqEvtchn;
    domain.params.set(hvmParam.bufioreqEvtchn, BigInt(bufioreqEvtchn));
  }
  const added = { vcpu, ioreqEvtchn };
  server.vcpus = [added, ...server.vcpus];
  updateIoreqServerEvtchn(server, added);
  return undefined;
}
