import { LabError } from '../../../src/errors.ts';
import type { LabHost } from '../lab-host.ts';
import { hostNameOf, startEmulatedHost } from './emulated-host.ts';
import { ensureImage } from './image.ts';
import type { Timing } from './accelerator.ts';
import type { XenVersion } from './xen-versions.ts';

/** Dom0 has processor 0 of an emulated host to itself; guests get the other. As xl's `cpus`. */
export const emulatedGuestCpus = '1';

/** What an emulated host is made of. */
export interface EmulatedLabHostOptions {
  readonly xen: XenVersion;
  readonly timing: Timing;
  /** Where Debian's packages come from, when the image has to be made. */
  readonly mirror?: string;
}

/** A host that we boot ourselves, anew for each run. */
export function emulatedLabHost({ xen, timing, mirror }: EmulatedLabHostOptions): LabHost {
  const name = hostNameOf(xen);
  return {
    name,
    kind: 'emulated',
    timing,
    isDisposable: true,
    start: async ({ serialLog, note, signal }) => {
      const image = await ensureImage({ xen, timing, signal, note, ...(mirror === undefined ? {} : { mirror }) });
      note('restoring');
      const host = await startEmulatedHost({ image, serialLog, signal });
      return {
        ssh: host.ssh,
        guestCpus: emulatedGuestCpus,
        died: host.exited.then(
          ({ code, signal: killedBy }) =>
            new LabError(`${name} is gone: QEMU ended with ${killedBy ?? code}`, {
              blame: 'host',
              code: 'HOST_GONE',
              next: `look at ${serialLog}`,
            }),
        ),
        [Symbol.asyncDispose]: async () => await host[Symbol.asyncDispose](),
      };
    },
  };
}
