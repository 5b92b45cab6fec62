import type { InventoryHost } from '../inventory.ts';
import type { LabHost } from '../lab-host.ts';

/** A machine of the inventory. It is up already, or it cannot be used. */
export function sshLabHost({ name, target, guestCpus, timing }: InventoryHost): LabHost {
  return {
    name,
    kind: 'ssh',
    timing,
    start: async () => ({
      ssh: target,
      guestCpus,
      died: new Promise(() => undefined), // that it is gone shows in the connection
      [Symbol.asyncDispose]: async () => undefined,
    }),
  };
}
