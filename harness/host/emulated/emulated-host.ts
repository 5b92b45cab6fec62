import { LabError, isLabError } from '../../../src/errors.ts';
import type { SshTarget } from '../ssh-target.ts';
import type { Accelerator, Timing } from './accelerator.ts';
import { sshTargetOf, type EmulatedImage } from './image-store.ts';
import type { Serial } from './machine.ts';
import { restoreState } from './machine-state.ts';
import type { Exit } from './spawned-process.ts';
import { forwardedPort, startQemu, type Qemu } from './qemu.ts';
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
  const { image, serialLog, sshPort = 0, signal } = options;
  const { xen, timing, accelerator } = image;
  const { qemu, port } = await restoreHost({ image, serial: { log: serialLog }, sshPort, signal });
  return {
    name: hostNameOf(xen),
    ...{ xen, timing, accelerator },
    ssh: sshTargetOf(image, port),
    pid: qemu.process.pid,
    exited: qemu.process.exited,
    [Symbol.asyncDispose]: async () => await qemu[Symbol.asyncDispose](),
  };
}

/** How to restore a host. */
export interface RestoreOptions {
  readonly image: EmulatedImage;
  readonly serial: Serial;
  /** 0 lets the system choose. */
  readonly sshPort: number;
  readonly signal: AbortSignal | undefined;
  readonly outlivesUs?: boolean;
}

/** Starts QEMU from an image's saved state. Throws what {@link startEmulatedHost} does. */
export async function restoreHost(options: RestoreOptions): Promise<{ qemu: Qemu; port: number }> {
  const { image, serial, sshPort, signal, outlivesUs = false } = options;
  const { timing, accelerator } = image;
  const qemu = await startQemu({
    machine: { timing, accelerator, serial, sshPort: checkPort(sshPort), start: 'restore' },
    directory: image.stateDirectory,
    temporary: image.cache.temporary,
    signal,
    outlivesUs,
  });
  try {
    const port = await forwardedPort(qemu.qmp, signal);
    await restoreState(qemu.qmp, signal);
    return { qemu, port };
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
