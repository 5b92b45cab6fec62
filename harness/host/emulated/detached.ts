import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LabError } from '../../../src/errors.ts';
import { cacheAt, type Cache } from './cache.ts';
import { hostNameOf, restoreHost } from './emulated-host.ts';
import { holdLock } from './file-lock.ts';
import { hostFiles, readHostRecords, removeHostFiles, writeHostRecord, type HostRecord } from './host-record.ts';
import { sshTargetOf, type EmulatedImage } from './image-store.ts';
import { startTimeOf } from './process-identity.ts';

/** How long a killed QEMU may take to vanish. */
const goneMs = 10_000;

/** The longest path of a Unix socket that the kernel takes (sockaddr_un, unix(7)). */
const longestSocketPath = 107;

/** How to start a host that stays. */
export interface UpOptions {
  readonly image: EmulatedImage;
  /** Default: `emulated-<version>`. */
  readonly name?: string;
  /** Port on the loopback interface for SSH; by default the system chooses. */
  readonly sshPort?: number;
  readonly signal?: AbortSignal;
}

/**
 * Starts a host that stays when we end, until {@link downHost}. Its serial console is a Unix socket, and logged.
 *
 * @throws LabError with blame `usage`: `HOST_UP` when there is one of that name, `NAME_INVALID`, `SOCKET_PATH_TOO_LONG`,
 * and what startEmulatedHost throws
 */
export async function upHost(options: UpOptions): Promise<HostRecord> {
  const { image, signal } = options;
  const { cache, xen, timing, accelerator } = image;
  const name = checkName(options.name ?? hostNameOf(xen));
  const files = hostFiles(cache, name);
  checkSocketPath(files.console);
  await mkdir(cache.hosts, { recursive: true });
  await using _lock = await lockHosts(cache, signal);
  const other = (await readHostRecords(cache)).find((host) => host.name === name);
  if (other) {
    throw new LabError(`the host ${name} is up already, with SSH on port ${other.ssh.port}`, {
      blame: 'usage',
      code: 'HOST_UP',
      next: `use it, or end it: ioreqlab host down ${name}`,
    });
  }
  const { qemu, port } = await restoreHost({
    image,
    serial: { log: files.serialLog, socket: files.console },
    outlivesUs: true,
    sshPort: options.sshPort ?? 0,
    signal,
  });
  try {
    const record: HostRecord = {
      ...{ name, xen, timing, accelerator },
      pid: qemu.process.pid,
      startTime: (await startTimeOf(qemu.process.pid)) ?? '',
      ssh: sshTargetOf(image, port),
      console: files.console,
      serialLog: files.serialLog,
      imageDirectory: image.directory,
      started: new Date().toISOString(),
    };
    await writeHostRecord(cache, record);
    qemu.process.release();
    return record;
  } catch (error) {
    await qemu[Symbol.asyncDispose]();
    throw error;
  }
}

/** Finds the hosts that were started to stay and still run, by name. What others have left is removed, but for their logs. */
export async function findHosts(cacheDirectory?: string): Promise<HostRecord[]> {
  const cache = cacheAt(cacheDirectory);
  await using _lock = await lockHosts(cache);
  return await readHostRecords(cache);
}

/**
 * Ends a host that was started to stay, and removes its record, its socket and its log.
 *
 * @throws LabError with blame `usage`, code `HOST_NOT_UP`; with blame `harness`, code `HOST_STAYS`, when it does not end
 */
export async function downHost(name: string, cacheDirectory?: string): Promise<void> {
  const cache = cacheAt(cacheDirectory);
  await using _lock = await lockHosts(cache);
  const hosts = await readHostRecords(cache);
  const host = hosts.find((one) => one.name === name);
  if (!host) {
    const up = hosts.map((one) => one.name).join(', ');
    throw new LabError(`there is no host ${name} to end${up ? `; up are ${up}` : ': no host is up'}`, {
      blame: 'usage',
      code: 'HOST_NOT_UP',
      next: 'ioreqlab host list',
    });
  }
  try {
    process.kill(host.pid, 'SIGKILL');
  } catch {
    // It has just ended by itself.
  }
  const deadline = AbortSignal.timeout(goneMs);
  while ((await startTimeOf(host.pid)) === host.startTime) {
    if (deadline.aborted) {
      throw new LabError(`the host ${name} (process ${host.pid}) does not end`, {
        blame: 'harness',
        code: 'HOST_STAYS',
      });
    }
    await sleep(10);
  }
  await removeHostFiles(cache, name);
}

async function lockHosts(cache: Cache, signal?: AbortSignal): Promise<AsyncDisposable> {
  return await holdLock(join(cache.locks, 'hosts.lock'), signal ? { signal } : {});
}

function checkName(name: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9.-]*$/.test(name)) return name;
  throw new LabError(`'${name}' cannot name a host`, {
    blame: 'usage',
    code: 'NAME_INVALID',
    next: 'use letters, digits, dots and dashes',
  });
}

function checkSocketPath(path: string): void {
  if (Buffer.byteLength(path) <= longestSocketPath) return;
  throw new LabError(`${path} is too long for a socket`, {
    blame: 'usage',
    code: 'SOCKET_PATH_TOO_LONG',
    next: 'set IOREQLAB_CACHE to a shorter path',
  });
}
