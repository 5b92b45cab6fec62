import { LabError, isLabError } from '../../../src/errors.ts';
import type { SshTarget } from '../ssh-target.ts';
import type { Accelerator, Timing } from './accelerator.ts';
import { sshTargetOf, type EmulatedImage } from './image.ts';
import { restoreState } from './machine-state.ts';
import type { Exit } from './owned-process.ts';
import { forwardedPort, startQemu } from './qemu.ts';
import type { XenVersion } from './xen-versions.ts';

/** A running emulated host. Disposing of it ends it and leaves nothing behind; so does our own end, however it comes. */
export interface EmulatedHost extends AsyncDisposable {
  /** Such as `emulated-4.20`. */
  readonly name: string;
  readonly xen: XenVersion;
  readonly timing: Timing;
  readonly accelerator: Accelerator;
  /** sshd listens from the start. */
  readonly ssh: SshTarget;
  /** QEMU's process id. */
  readonly pid: number;
  /** Resolves when QEMU has ended, whoever ended it. */
  readonly exited: Promise<Exit>;
}

/** How to start a host. */
export interface EmulatedHostOptions {
  readonly image: EmulatedImage;
  /** File that gets what the serial console prints: Xen's and dom0's kernel's messages. Absolute path; it is emptied first. */
  readonly serialLog: string;
  /** Port on the loopback interface for SSH; by default the system chooses. */
  readonly sshPort?: number;
  /** Ends the host. */
  readonly signal?: AbortSignal;
}

/** A host's name. */
export function hostNameOf(xen: XenVersion): string {
  return `emulated-${xen}`;
}

/**
 * Starts a host from an image's saved state, on memory and a disk of its own that are thrown away. Any number of hosts can
 * run from one image. The host ends when the thread that called this does.
 *
 * @throws LabError: `PORT_TAKEN`, `PORT_INVALID` with blame `usage`; `QEMU_FAILED` with blame `host`
 */
export async function startEmulatedHost(options: EmulatedHostOptions): Promise<EmulatedHost> {
  const { image, serialLog, signal } = options;
  const { xen, timing, accelerator } = image;
  const machine = {
    ...{ timing, accelerator, sshPort: checkPort(options.sshPort ?? 0) },
    serial: { log: serialLog },
    start: 'restore',
  } as const;
  const qemu = await startQemu(machine, image.stateDirectory, image.cache.temporary, signal);
  try {
    const port = await forwardedPort(qemu.qmp, signal);
    await restoreState(qemu.qmp, signal);
    return {
      name: hostNameOf(xen),
      ...{ xen, timing, accelerator },
      ssh: sshTargetOf(image.directory, image.manifest, port),
      pid: qemu.process.pid,
      exited: qemu.process.exited,
      [Symbol.asyncDispose]: async () => await qemu[Symbol.asyncDispose](),
    };
  } catch (error) {
    await qemu[Symbol.asyncDispose]();
    signal?.throwIfAborted();
    throw explain(error, image, qemu.process.output);
  }
}

/** @throws LabError with blame `usage`, code `PORT_INVALID` */
export function checkPort(port: number): number {
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new LabError(`${port} is no port: it has to be a whole number from 1 to 65535`, {
    blame: 'usage',
    code: 'PORT_INVALID',
    next: 'leave the choice of the port to the system, or name another',
  });
}

function explain(error: unknown, image: EmulatedImage, output: string): unknown {
  if (isLabError(error) && error.code !== 'QMP_LOST') return error;
  return new LabError(`the saved state of the emulated host with Xen ${image.xen} cannot be restored`, {
    blame: 'host',
    code: 'RESTORE_FAILED',
    next: `make it anew: rm -r ${image.stateDirectory}, then try again`,
    evidence: output,
    cause: error,
  });
}
