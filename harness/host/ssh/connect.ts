import { createHash } from 'node:crypto';
import { createConnection } from 'node:net';
import type { Duplex } from 'node:stream';
import { Client } from 'ssh2';
import { LabError, messageOf } from '../../../src/errors.ts';
import type { SshTarget } from '../ssh-target.ts';

/** Key exchange is slow under emulation: well over a second, more when both processors are loaded. */
export const readyMs = 30_000;
const keepaliveMs = 10_000;
const keepaliveCount = 6;

export function unreachable(what: string, error: Error): LabError {
  return new LabError(`${what} cannot be reached: ${error.message}`, {
    blame: 'host',
    code: 'HOST_UNREACHABLE',
    next: 'check that the host is up and its sshd listens: ioreqlab host check',
    cause: error,
  });
}

/** As ssh-keygen -l prints it. */
function fingerprint(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

/** A client and what it talks through: once it has been told to end, ssh2 gives no way to end it at once. */
export interface Connected {
  readonly client: Client;
  readonly socket: Duplex;
}

/**
 * A client that is ready: with the pinned host key proved, and the user let in.
 *
 * @param through leads to the host, where no socket does
 * @throws LabError `HOST_UNREACHABLE`, `HOST_KEY_MISMATCH`, `HOST_AUTHENTICATION`, `KEY_UNREADABLE`; the signal's reason
 */
export async function connect(
  target: SshTarget,
  privateKey: string,
  through?: Duplex,
  signal?: AbortSignal,
): Promise<Connected> {
  const where = `${target.address}:${target.port}`;
  const pinned = target.hostKeys.map((line) => {
    const [type = '', base64 = ''] = line.trim().split(/\s+/);
    return { type, key: Buffer.from(base64, 'base64') };
  });
  let offered: Buffer | undefined;
  const client = new Client();
  return await new Promise((resolve, reject) => {
    const finish = (settle: () => void): void => {
      signal?.removeEventListener('abort', abort);
      settle();
    };
    const abort = (): void => {
      finish(() => reject(signal?.reason as Error));
      client.destroy();
    };
    if (signal?.aborted) return abort();
    const socket = through ?? createConnection(target.port, target.address);
    signal?.addEventListener('abort', abort, { once: true });
    client.once('ready', () => {
      isReady = true;
      // Without it every small message waits for the other side's delayed acknowledgement.
      client.setNoDelay(true);
      finish(() => resolve({ client, socket }));
    });
    // Of several errors the first tells why. One that comes later is told by `close` as well.
    let isReady = false;
    client.on('error', (error: Error & { level?: string }) => {
      if (isReady) return;
      finish(() => reject(explain(error, where, target, offered, pinned)));
      client.destroy();
    });
    // A host that turns us away may do so without an error.
    client.once('close', () => finish(() => reject(unreachable(where, new Error('it closed the connection')))));
    try {
      client.connect({
        privateKey,
        sock: socket,
        username: target.user,
        readyTimeout: readyMs,
        keepaliveInterval: keepaliveMs,
        keepaliveCountMax: keepaliveCount,
        algorithms: { serverHostKey: [...new Set(pinned.flatMap(({ type }) => signatures(type)))] as never },
        hostVerifier: (key: Buffer) => {
          offered = key;
          return pinned.some((one) => one.key.equals(key));
        },
      });
    } catch (error) {
      // Nothing has been sent yet: ssh2 does not like what it was given, which is the key.
      finish(() => reject(keyUnreadable(target, error)));
      socket.on('error', () => undefined).destroy();
    }
  });
}

/** The signatures by which a host may prove a key of this type. An RSA key has signed with SHA-1 in former times. */
function signatures(type: string): string[] {
  return type === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256'] : [type];
}

export function keyUnreadable(target: SshTarget, error: unknown): LabError {
  return new LabError(`the private key of ${target.address} cannot be read: ${messageOf(error)}`, {
    blame: 'usage',
    code: 'KEY_UNREADABLE',
    next: `name an OpenSSH private key without a passphrase; this is ${target.privateKeyFile}`,
    cause: error,
  });
}

function explain(
  error: Error & { level?: string },
  where: string,
  target: SshTarget,
  offered: Buffer | undefined,
  pinned: readonly { type: string; key: Buffer }[],
): LabError {
  if (offered !== undefined && !pinned.some(({ key }) => key.equals(offered))) {
    return new LabError(
      `${where} shows another host key than the pinned one: ${fingerprint(offered)} instead of ${pinned.map(({ key }) => fingerprint(key)).join(' or ')}`,
      {
        blame: 'host',
        code: 'HOST_KEY_MISMATCH',
        next: 'make sure that this is the right machine; if its key has changed for a reason, pin the new one in the inventory',
      },
    );
  }
  if (/no matching.*host key/i.test(error.message)) {
    return new LabError(`${where} has no host key of the pinned type (${pinned.map(({ type }) => type).join(', ')})`, {
      blame: 'host',
      code: 'HOST_KEY_MISMATCH',
      next: 'pin a key of a type that the host has: ssh-keyscan shows them',
    });
  }
  if (error.level === 'client-authentication') {
    return new LabError(`${where} does not let ${target.user} in with ${target.privateKeyFile}`, {
      blame: 'host',
      code: 'HOST_AUTHENTICATION',
      next: `add the public key to ~${target.user}/.ssh/authorized_keys on the host, or name the right key`,
      cause: error,
    });
  }
  return unreachable(where, error);
}
