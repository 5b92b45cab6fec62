import type { KnownHost } from '../inventory.ts';
import type { LabHost } from '../lab-host.ts';

/** A host that is up already, or cannot be used: a machine of the inventory, or an emulated host that stays. */
export function sshLabHost({
  name,
  kind,
  target,
  guestCpus,
  timing,
  facts = {},
  disposable = false,
}: KnownHost): LabHost {
  return {
    name,
    kind,
    timing,
    isDisposable: false,
    mayCrash: kind === 'emulated' || disposable,
    start: async () => ({
      ssh: target,
      guestCpus,
      facts,
      died: new Promise(() => undefined), // that it is gone shows in the connection
      [Symbol.asyncDispose]: async () => undefined,
    }),
  };
}
