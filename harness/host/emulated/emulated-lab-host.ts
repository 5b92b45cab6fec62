import { LabError } from '../../../src/errors.ts';
import type { LabHost } from '../lab-host.ts';
import { crashOnConsole } from './console-watch.ts';
import { hostNameOf, startEmulatedHost } from './emulated-host.ts';
import { ensureImage } from './image.ts';
import type { Accelerator, Timing } from './accelerator.ts';
import type { XenVersion } from './xen-versions.ts';

/** Dom0 has processor 0 of an emulated host to itself; guests get the other. As xl's `cpus`. */
export const emulatedGuestCpus = '1';

/** What carries out an emulated host's instructions; as the host's record has it. */
export function emulatorFacts(accelerator: Accelerator, qemu: string): Readonly<Record<string, string>> {
  return { emulator: `QEMU ${qemu}`, accelerator };
}

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
    mayCrash: true,
    start: async ({ serialLog, note, signal }) => {
      const image = await ensureImage({ xen, timing, signal, note, ...(mirror === undefined ? {} : { mirror }) });
      note('restoring');
      const host = await startEmulatedHost({ image, serialLog, signal });
      const over = new AbortController();
      const gone = (how: string): LabError =>
        new LabError(`${name} is gone: ${how}`, { blame: 'host', code: 'HOST_GONE', next: `look at ${serialLog}` });
      return {
        ssh: host.ssh,
        guestCpus: emulatedGuestCpus,
        facts: emulatorFacts(image.accelerator, image.state.qemu),
        died: Promise.race([
          host.exited.then((exit) => gone(`QEMU ended with ${exit.signal ?? exit.code}`)),
          // The machine stays as it is when its system dies, and its connections with it.
          crashOnConsole(serialLog, over.signal).then(gone),
        ]),
        [Symbol.asyncDispose]: async () => {
          over.abort();
          await host[Symbol.asyncDispose]();
        },
      };
    },
  };
}
