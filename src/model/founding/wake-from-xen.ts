import type { XenConsumer } from '../event-channels.ts';
import type { Domain } from './domain.ts';

/**
 * default_xen_notification_fn (common/event_channel.c): the emulator has sent. Only a vCPU that waits takes notice, and this
 * is the only thing that ends its waiting.
 */
export function wakeFromXen(domain: Domain): XenConsumer {
  return (id) => {
    const vcpu = domain.vcpus.get(id);
    if (vcpu !== undefined) vcpu.isBlockedInXen = false;
  };
}
