import { chmod, copyFile, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { $ } from 'zx';
import { runtimeFile } from '../../deploy/runtime.ts';
import { dom0Sources, filesBelow, type ImageInputs } from './image-inputs.ts';

/** Keys that go into an image: private and public ones in OpenSSH's format. */
export interface ImageKeys {
  readonly hostPrivate: string;
  readonly userPublic: string;
}

/** Names inside a directory of staged files; the rest is as in infra/dom0. */
export const stagedFiles = {
  /** All files of our own that go into dom0: those of infra/dom0/rootfs, the keys, and the Node runtime. */
  archive: 'rootfs.tar',
  /** What dpkg leaves out. */
  dpkg: 'dpkg.cfg',
} as const;

/**
 * Copies everything of our own that an image is made with to a directory. Modes are set here: those of a checkout depend on
 * somebody's umask. dom0 finds the Node runtime at /var/lib/ioreqlab/runtime/<digest>/node.
 */
export async function stageFiles(directory: string, inputs: ImageInputs, keys: ImageKeys): Promise<void> {
  for (const { name, path, isExecutable } of await filesBelow(dom0Sources)) {
    await put(join(directory, name), isExecutable ? 0o755 : 0o644, (to) => copyFile(path, to));
  }
  const root = join(directory, 'rootfs');
  await put(join(root, 'var/lib/ioreqlab/runtime', inputs.runtime, 'node'), 0o755, (to) => copyFile(runtimeFile, to));
  await put(join(root, 'etc/ioreqlab/ssh_host_ed25519_key'), 0o600, (to) => writeFile(to, keys.hostPrivate));
  await put(join(root, 'root/.ssh/authorized_keys'), 0o600, (to) => writeFile(to, `${keys.userPublic}\n`));
  await $({ quiet: true })`find ${directory} -type d -exec chmod 755 {} +`;
  await chmod(join(root, 'root'), 0o700);
  await chmod(join(root, 'root/.ssh'), 0o700);
  const owner = ['--owner=root:0', '--group=root:0'];
  await $({ quiet: true })`tar --create --file ${join(directory, stagedFiles.archive)} --directory ${root} ${owner} .`;
}

async function put(path: string, mode: number, write: (path: string) => Promise<void>): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await write(path);
  await chmod(path, mode);
}
