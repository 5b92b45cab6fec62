import { randomBytes } from 'node:crypto';
import { posix } from 'node:path';
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { SFTPWrapper } from 'ssh2';
import { LabError, messageOf } from '../../src/errors.ts';
import type { SshConnection } from '../host/ssh/ssh-connection.ts';
import { bundleFiles, type Bundle } from './bundle.ts';
import { runtimeDigest, runtimeFile } from './runtime.ts';

/** Where deployments live in dom0. infra/dom0 puts the runtime there when it makes an image. */
const dom0Directory = '/var/lib/ioreqlab';

/** How something is deployed. */
export interface DeployOptions {
  /** Says what is being done. */
  readonly note: (text: string) => void;
  readonly signal?: AbortSignal | undefined;
  /** Absolute path on the host; default: where the emulated hosts have the runtime already. */
  readonly directory?: string;
}

/** Paths in dom0. */
export interface Deployment {
  readonly node: string;
  readonly agent: string;
  readonly guest: string;
}

interface Upload {
  readonly name: string;
  readonly digest: string;
  readonly mode: number;
  read(): Readable;
}

/**
 * Brings the runtime and the bundle to a host, unless they are there. Each lives in a directory named by its digest,
 * which is made under another name and renamed only after dom0 itself has computed the same digests: what is there is
 * whole.
 *
 * @throws LabError `DEPLOY_FAILED`, `HOST_LOST`; the signal's reason
 */
export async function deploy(ssh: SshConnection, bundle: Bundle, options: DeployOptions): Promise<Deployment> {
  const { note, signal, directory = dom0Directory } = options;
  const runtime = await runtimeDigest();
  const runtimeDirectory = posix.join(directory, 'runtime', runtime);
  const bundleDirectory = posix.join(directory, 'bundle', bundle.digest);
  const sftp = await ssh.sftp();
  const placing = new Placing(ssh, sftp, directory, signal);
  try {
    if (!(await placing.exists(posix.join(runtimeDirectory, 'node')))) {
      note('copying the Node runtime');
      await placing.place(runtimeDirectory, [
        { name: 'node', digest: runtime, mode: 0o755, read: () => createReadStream(runtimeFile) },
      ]);
    }
    if (!(await placing.exists(bundleDirectory))) {
      note('copying the bundle');
      const uploads = bundle.files.map(({ name, digest, contents }) => ({
        name,
        digest,
        mode: 0o644,
        read: () => Readable.from([contents]),
      }));
      await placing.place(bundleDirectory, uploads);
    }
  } finally {
    sftp.end();
  }
  return {
    node: posix.join(runtimeDirectory, 'node'),
    agent: posix.join(bundleDirectory, bundleFiles.agent),
    guest: posix.join(bundleDirectory, bundleFiles.guest),
  };
}

/** Puts directories of files in their places. */
class Placing {
  readonly #ssh: SshConnection;
  readonly #sftp: SFTPWrapper;
  readonly #directory: string;
  readonly #signal: AbortSignal;

  constructor(ssh: SshConnection, sftp: SFTPWrapper, directory: string, signal: AbortSignal | undefined) {
    this.#ssh = ssh;
    this.#sftp = sftp;
    this.#directory = directory;
    const lost = new AbortController();
    void ssh.closed.then((error) => lost.abort(this.#failed('copying', error?.message ?? 'the connection was ended')));
    this.#signal = signal === undefined ? lost.signal : AbortSignal.any([lost.signal, signal]);
  }

  async exists(path: string): Promise<boolean> {
    return await this.#unlessAborted(
      new Promise((resolve) => {
        this.#sftp.stat(path, (error) => resolve(!error));
      }),
    );
  }

  async place(directory: string, uploads: readonly Upload[]): Promise<void> {
    const partial = `${directory}.${randomBytes(4).toString('hex')}.partial`;
    await this.#run(['mkdir', '-p', '-m', '755', partial]);
    try {
      for (const upload of uploads) await this.#copy(upload, partial);
      const sums = await this.#run(['sha256sum', ...uploads.map(({ name }) => posix.join(partial, name))]);
      const seen = sums.trim().split('\n');
      uploads.forEach(({ name, digest }, i) => {
        if (seen[i]?.startsWith(`${digest} `) !== true) throw this.#failed(`copying ${name}`, 'it arrived damaged');
      });
      await this.#run(['mv', '-T', partial, directory]).catch(async (error: unknown) => {
        // Another run has put the same there in the meantime.
        if (!(await this.exists(directory))) throw error;
        await this.#run(['rm', '-rf', partial]);
      });
    } catch (error) {
      await this.#ssh.run(['rm', '-rf', partial]).catch(() => undefined);
      throw error;
    }
  }

  async #copy({ name, mode, read }: Upload, directory: string): Promise<void> {
    const file = this.#sftp.createWriteStream(posix.join(directory, name), { mode });
    const copying = pipeline(read(), file, { signal: this.#signal }).catch((error: unknown) => {
      throw this.#failed(`copying ${name}`, messageOf(error), error);
    });
    await this.#unlessAborted(copying);
  }

  /** The promise's value; but what waits for an answer over SFTP may wait for ever when the connection is gone. */
  async #unlessAborted<T>(promise: Promise<T>): Promise<T> {
    const signal = this.#signal;
    signal.throwIfAborted();
    return await new Promise((resolve, reject) => {
      const abort = (): void => reject(signal.reason as Error);
      signal.addEventListener('abort', abort, { once: true });
      promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
    });
  }

  async #run(words: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.#ssh.run(words, this.#signal);
    if (code !== 0) throw this.#failed(words.slice(0, 2).join(' '), stderr.trim());
    return stdout;
  }

  #failed(what: string, why: string, cause?: unknown): LabError {
    return new LabError(`deploying to ${this.#ssh.target.address}: ${what} failed: ${why}`, {
      blame: 'host',
      code: 'DEPLOY_FAILED',
      next: `make room in ${this.#directory} on the host, and see that it is writable`,
      cause,
    });
  }
}
