import { hvmParam } from '../../abi/hvm-param.ts';
import { isErrno, type Errno } from '../errno.ts';
import { xenBug } from '../xen-bug.ts';
import { pauseDomain, unpauseDomain, type Domain } from './domain.ts';
import type { IoreqServer } from './ioreq-server.ts';
import { replaceEventChannel } from './replace-event-channel.ts';
import { updateIoreqServerEvtchn } from './update-ioreq-server-evtchn.ts';

/**
 * hvm_set_ioreq_server_domid; hvm_set_dm_domain in bb6d5e155d. Another domain emulates from now on: with the domain paused, each
 * vCPU's channels are replaced, the newest vCPU's first, vCPU 0's buffered one before its own. A request in flight stays in its
 * slot; the new emulator learns of it when it binds, as that makes its port pending. An answer that the old one has written but
 * not sent is never noticed: the vCPU waits on.
 *
 * When a channel cannot be had, the rest keep theirs, yet the server's domid is the new one: to ask again for the same domain
 * does nothing.
 *
 * @returns what the event channels give back
 */
export function setIoreqServerDomid(server: IoreqServer, domid: number): Errno | undefined {
  if (server.domid === domid) return undefined;
  pauseDomain(server.domain);
  const failure = replaceAll(server, server.domain, domid);
  server.domid = domid;
  unpauseDomain(server.domain);
  return failure;
}

function replaceAll(server: IoreqServer, domain: Domain, domid: number): Errno | undefined {
  for (const added of server.vcpus) {
    const { vcpu } = added;
    if (vcpu.id === 0) {
      if (server.bufioreqEvtchn === undefined) throw xenBug('hvm_set_dm_domain: vCPU 0 without its second channel');
      const bufioreqEvtchn = replaceEventChannel(domain, vcpu, domid, server.bufioreqEvtchn);
      if (isErrno(bufioreqEvtchn)) return bufioreqEvtchn;
      server.bufioreqEvtchn = bufioreqEvtchn;
      domain.params.set(hvmParam.bufioreqEvtchn, BigInt(bufioreqEvtchn));
    }
    const ioreqEvtchn = replaceEventChannel(domain, vcpu, domid, added.ioreqEvtchn);
    if (isErrno(ioreqEvtchn)) return ioreqEvtchn;
    added.ioreqEvtchn = ioreqEvtchn;
    updateIoreqServerEvtchn(server, added);
  }
  return undefined;
}
