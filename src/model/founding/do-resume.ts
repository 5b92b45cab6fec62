import { ioreqState } from '../../abi/ioreq.ts';
import { crashDomain, isRunnable, type Vcpu } from './domain.ts';
import { getIoreq } from './get-ioreq.ts';
import { ioAssist } from './io-assist.ts';

/** What became of a vCPU that was to run: it runs, waits, or the domain has crashed. */
export type Resumed = 'runs' | 'waits' | 'crashed';

/**
 * hvm_do_resume: before a vCPU enters the guest, its request must be answered. An answer is taken; READY and INPROCESS wait for the
 * emulator's event, for ever if need be; any other state crashes the domain.
 *
 * The merged patch looks into the slot each time, whether or not a request is in flight. The posted one remembered per vCPU which
 * server holds it, as with several only one usually does, and looked nowhere else.
 */
export function doResume(vcpu: Vcpu): Resumed {
  if (vcpu.domain.crash !== undefined) return 'crashed';
  if (!isRunnable(vcpu)) return 'waits';
  const server = vcpu.domain.form === 'rfc' ? vcpu.inFlight : vcpu.domain.ioreqServer;
  if (server !== undefined) {
    const slot = getIoreq(server, vcpu);
    switch (slot.state) {
      case ioreqState.none:
        break;
      case ioreqState.responseReady:
        ioAssist(vcpu, slot);
        break;
      case ioreqState.ready:
      case ioreqState.inProcess:
        // wait_on_xen_event_channel.
        vcpu.isBlockedInXen = true;
        return 'waits';
      default:
        crashDomain(vcpu.domain, `Weird HVM iorequest state ${slot.state}.`);
        return 'crashed';
    }
    vcpu.inFlight = undefined;
  }
  return isRunnable(vcpu) ? 'runs' : 'waits';
}
