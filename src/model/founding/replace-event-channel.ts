import { isErrno, type Errno } from '../errno.ts';
import type { Domain, Vcpu } from './domain.ts';
import { wakeFromXen } from './wake-from-xen.ts';

/**
 * hvm_replace_event_channel: a new channel to another emulating domain in place of a vCPU's old one, which is freed only when
 * there is a new one. Whoever was bound to the old one is not told, and what it sends is lost.
 *
 * @returns the new port, or why there is none; then the old one stays
 */
export function replaceEventChannel(domain: Domain, vcpu: Vcpu, remoteDomid: number, oldPort: number): number | Errno {
  const port = domain.channels.allocUnboundXen(domain.domid, vcpu.id, remoteDomid, wakeFromXen(domain));
  if (!isErrno(port)) domain.channels.freeXen(domain.domid, oldPort);
  return port;
}
