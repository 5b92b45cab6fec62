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

/**
 * Makes a tar archive of all files of our own that go into dom0: those of infra/dom0/rootfs, the keys, and the Node runtime
 * at /var/lib/ioreqlab/runtime/<digest>/node. They belong to root, and their modes are set here: those of a checkout depend
 * on somebody's umask.
 *
 * @param work a directory for intermediate files
 */
export async function stageFiles(work: string, archive: string, inputs: ImageInputs, keys: ImageKeys): Promise<void> {
  const tree = join(work, 'files');
  const put = async (name: string, mode: number, write: (path: string) => Promise<void>): Promise<void> => {
    const path = join(tree, name);
    await mkdir(dirname(path), { recursive: true });
    await write(path);
    await chmod(path, mode);
  };
  for (const { name, path, isExecutable } of await filesBelow(join(dom0Sources, 'rootfs'))) {
    await put(name, isExecutable ? 0o755 : 0o644, (to) => copyFile(path, to));
  }
  await put(`var/lib/ioreqlab/runtime/${inputs.runtime}/node`, 0o755, (to) => copyFile(runtimeFile, to));
  await put('etc/ioreqlab/ssh_host_ed25519_key', 0o600, (to) => writeFile(to, keys.hostPrivate));
  await put('root/.ssh/authorized_keys', 0o600, (to) => writeFile(to, `${keys.userPublic}\n`));
  await $({ quiet: true })`find ${tree} -type d -exec chmod 755 {} +`;
  await chmod(join(tree, 'root'), 0o700);
  await chmod(join(tree, 'root/.ssh'), 0o700);
  const owner = ['--owner=root:0', '--group=root:0'];
  await $({ quiet: true })`tar --create --file ${archive} --directory ${tree} ${owner} .`;
}
