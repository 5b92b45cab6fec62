import { randomBytes } from 'node:crypto';
import { posix } from 'node:path';
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { SFTPWrapper } from 'ssh2';
import { LabError } from '../../src/errors.ts';
import type { SshConnection } from '../host/ssh/ssh-connection.ts';
import { bundleFiles, type Bundle } from './bundle.ts';
import { runtimeDigest, runtimeFile } from './runtime.ts';

/** Where deployments live in dom0. infra/dom0 puts the runtime there when it makes an image. */
const base = '/var/lib/ioreqlab';

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
 * @throws LabError `DEPLOY_FAILED`
 */
export async function deploy(ssh: SshConnection, bundle: Bundle, note: (text: string) => void): Promise<Deployment> {
  const runtime = await runtimeDigest();
  const runtimeDirectory = posix.join(base, 'runtime', runtime);
  const bundleDirectory = posix.join(base, 'bundle', bundle.digest);
  const sftp = await ssh.sftp();
  try {
    const missing = async (path: string): Promise<boolean> => !(await exists(sftp, path));
    if (await missing(posix.join(runtimeDirectory, 'node'))) {
      note('copying the Node runtime');
      await place(ssh, sftp, runtimeDirectory, [
        { name: 'node', digest: runtime, mode: 0o755, read: () => createReadStream(runtimeFile) },
      ]);
    }
    if (await missing(bundleDirectory)) {
      note('copying the bundle');
      const uploads = bundle.files.map(({ name, digest, contents }) => ({
        name,
        digest,
        mode: 0o644,
        read: () => Readable.from([contents]),
      }));
      await place(ssh, sftp, bundleDirectory, uploads);
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

async function exists(sftp: SFTPWrapper, path: string): Promise<boolean> {
  return await new Promise((resolve) => sftp.stat(path, (error) => resolve(error === undefined || error === null)));
}

async function place(
  ssh: SshConnection,
  sftp: SFTPWrapper,
  directory: string,
  uploads: readonly Upload[],
): Promise<void> {
  const partial = `${directory}.${randomBytes(4).toString('hex')}.partial`;
  await remote(ssh, ['mkdir', '-p', '-m', '755', partial]);
  try {
    for (const { name, mode, read } of uploads) {
      await pipeline(read(), sftp.createWriteStream(posix.join(partial, name), { mode })).catch((error: unknown) => {
        throw failed(ssh, `copying ${name}`, String(error), error);
      });
    }
    const sums = await remote(ssh, ['sha256sum', ...uploads.map(({ name }) => posix.join(partial, name))]);
    const seen = sums.trim().split('\n');
    uploads.forEach(({ name, digest }, i) => {
      if (seen[i]?.startsWith(`${digest} `) !== true) throw failed(ssh, `copying ${name}`, 'it arrived damaged');
    });
    await remote(ssh, ['mv', '-T', partial, directory]);
  } catch (error) {
    await ssh.run(['rm', '-rf', partial]).catch(() => undefined);
    throw error;
  }
}

async function remote(ssh: SshConnection, words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await ssh.run(words);
  if (code !== 0) throw failed(ssh, words.slice(0, 2).join(' '), stderr.trim());
  return stdout;
}

function failed(ssh: SshConnection, what: string, why: string, cause?: unknown): LabError {
  return new LabError(`deploying to ${ssh.target.address}: ${what} failed: ${why}`, {
    blame: 'host',
    code: 'DEPLOY_FAILED',
    next: `make room in ${base} on the host, and see that it is writable`,
    cause,
  });
}
