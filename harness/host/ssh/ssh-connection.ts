import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Client, type ClientChannel, type ConnectConfig, type SFTPWrapper } from 'ssh2';
import { LabError, messageOf } from '../../../src/errors.ts';
import type { SshTarget } from '../ssh-target.ts';
import { quoteWords } from './quote.ts';

/** Key exchange is slow under emulation: well over a second, more when both processors are loaded. */
const readyMs = 30_000;
const keepaliveMs = 10_000;
const keepaliveCount = 6;

/** What a command on the host left. */
export interface CommandResult {
  /** Exit code; null when a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** One connection to a host, on which everything runs. Ends with its owner. */
export class SshConnection implements AsyncDisposable {
  readonly target: SshTarget;
  /** Resolves when the connection is gone, with the reason if it was not ours. */
  readonly closed: Promise<Error | undefined>;
  readonly #client: Client;
  readonly #jump: SshConnection | undefined;
  #isEnding = false;

  private constructor(target: SshTarget, client: Client, jump: SshConnection | undefined) {
    this.target = target;
    this.#client = client;
    this.#jump = jump;
    this.closed = new Promise((resolve) => {
      let reason: Error | undefined;
      client.on('error', (error) => (reason = error));
      client.once('close', () => {
        resolve(this.#isEnding ? undefined : (reason ?? new Error('the connection was closed')));
      });
    });
  }

  /**
   * Connects, through the jump host if there is one. Only the pinned host keys are accepted.
   *
   * @throws LabError with blame `host`: `HOST_UNREACHABLE`, `HOST_KEY_MISMATCH`, `HOST_AUTHENTICATION`; with blame
   * `usage`: `KEY_UNREADABLE`
   */
  static async open(target: SshTarget, signal?: AbortSignal): Promise<SshConnection> {
    const privateKey = await readFile(target.privateKeyFile, 'utf8').catch((error: unknown) => {
      throw new LabError(`the private key of ${target.address} cannot be read: ${messageOf(error)}`, {
        blame: 'usage',
        code: 'KEY_UNREADABLE',
        next: `check the path of the key: ${target.privateKeyFile}`,
      });
    });
    const jump = target.jump === undefined ? undefined : await SshConnection.open(target.jump, signal);
    try {
      const sock = jump === undefined ? undefined : await jump.#forward(target.address, target.port);
      const client = await connect(target, { privateKey, ...(sock === undefined ? {} : { sock }) }, signal);
      return new SshConnection(target, client, jump);
    } catch (error) {
      await jump?.[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Starts a command and gives its channel: stdin, stdout, and `stderr`. */
  async start(words: readonly string[]): Promise<ClientChannel> {
    return await new Promise((resolve, reject) => {
      this.#client.exec(quoteWords(words), (error, channel) => {
        if (error) reject(this.#lost(error));
        else resolve(channel);
      });
    });
  }

  /** An interactive shell on a terminal of this size. */
  async shell(terminal: { term: string; rows: number; cols: number }): Promise<ClientChannel> {
    return await new Promise((resolve, reject) => {
      this.#client.shell(terminal, (error, channel) => {
        if (error) reject(this.#lost(error));
        else resolve(channel);
      });
    });
  }

  /** Runs a command to its end; output beyond 16 MiB is an error. */
  async run(words: readonly string[], signal?: AbortSignal): Promise<CommandResult> {
    const channel = await this.start(words);
    const limit = 16 * 1024 * 1024;
    return await new Promise((resolve, reject) => {
      const stdout: Buffer[] = [];
      const stderr: Buffer[] = [];
      let size = 0;
      const keep = (list: Buffer[]) => (chunk: Buffer) => {
        size += chunk.length;
        if (size > limit) channel.emit('error', new RangeError(`${words[0]} printed more than ${limit} bytes`));
        else list.push(chunk);
      };
      const abort = (): void => {
        channel.close();
        reject(signal?.reason as Error);
      };
      signal?.addEventListener('abort', abort, { once: true });
      let code: number | null = null;
      channel.on('data', keep(stdout));
      channel.stderr.on('data', keep(stderr));
      channel.on('exit', (exitCode: number | null) => (code = exitCode));
      channel.on('error', reject);
      channel.on('close', () => {
        signal?.removeEventListener('abort', abort);
        resolve({
          code,
          stdout: Buffer.concat(stdout).toString('utf8'),
          stderr: Buffer.concat(stderr).toString('utf8'),
        });
      });
    });
  }

  /** A file-transfer session; end it with its `end()`. */
  async sftp(): Promise<SFTPWrapper> {
    return await new Promise((resolve, reject) => {
      this.#client.sftp((error, sftp) => {
        if (error) reject(this.#lost(error));
        else resolve(sftp);
      });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isEnding = true;
    this.#client.end();
    const timer = setTimeout(() => this.#client.destroy(), 2_000);
    await this.closed;
    clearTimeout(timer);
    await this.#jump?.[Symbol.asyncDispose]();
  }

  async #forward(address: string, port: number): Promise<ClientChannel> {
    return await new Promise((resolve, reject) => {
      this.#client.forwardOut('127.0.0.1', 0, address, port, (error, channel) => {
        if (error) reject(unreachable(`${address}:${port} through ${this.target.address}`, error));
        else resolve(channel);
      });
    });
  }

  #lost(error: Error): LabError {
    return new LabError(`the connection to ${this.target.address} failed: ${error.message}`, {
      blame: 'host',
      code: 'HOST_LOST',
      cause: error,
    });
  }
}

function unreachable(what: string, error: Error): LabError {
  return new LabError(`${what} cannot be reached: ${error.message}`, {
    blame: 'host',
    code: 'HOST_UNREACHABLE',
    next: 'check that the host is up and its sshd listens: ioreqlab host check',
    cause: error,
  });
}

/** As ssh-keygen -l prints it. */
export function fingerprint(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

async function connect(
  target: SshTarget,
  config: Pick<ConnectConfig, 'privateKey' | 'sock'>,
  signal?: AbortSignal,
): Promise<Client> {
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
      client.destroy();
      finish(() => reject(signal?.reason as Error));
    };
    if (signal?.aborted) return abort();
    signal?.addEventListener('abort', abort, { once: true });
    client.once('ready', () => {
      client.removeAllListeners('error');
      // An error between here and the constructor's listener is told by `close` as well.
      client.on('error', () => undefined);
      // Without it every small message waits for the other side's delayed acknowledgement.
      client.setNoDelay(true);
      finish(() => resolve(client));
    });
    client.once('error', (error: Error & { level?: string }) =>
      finish(() => reject(explain(error, where, target, offered, pinned))),
    );
    client.connect({
      ...config,
      host: target.address,
      port: target.port,
      username: target.user,
      readyTimeout: readyMs,
      keepaliveInterval: keepaliveMs,
      keepaliveCountMax: keepaliveCount,
      algorithms: { serverHostKey: [...new Set(pinned.map(({ type }) => type))] as never },
      hostVerifier: (key: Buffer) => {
        offered = key;
        return pinned.some((one) => one.key.equals(key));
      },
    });
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
