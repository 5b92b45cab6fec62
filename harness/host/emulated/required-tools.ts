import { access } from 'node:fs/promises';
import { LabError } from '../../../src/errors.ts';
import { isRoot } from './name-spaces.ts';
import { findCommand } from './system-path.ts';

/** What a tool is called, and Debian's package that has it. */
export type Tools = Readonly<Record<string, string>>;

/** Needed to start a host from a saved state. */
export const toolsToRun: Tools = { 'qemu-system-x86_64': 'qemu-system-x86', setpriv: 'util-linux' };

/** Needed to make an image. Absolute paths are files that have to be there. */
export const toolsToBuild: Tools = {
  ...toolsToRun,
  'qemu-img': 'qemu-utils',
  mmdebstrap: 'mmdebstrap',
  mke2fs: 'e2fsprogs',
  tar: 'tar',
  flock: 'util-linux',
  unshare: 'util-linux',
  '/usr/share/keyrings/debian-archive-keyring.gpg': 'debian-archive-keyring',
  // Makes the ranges of user ids that mmdebstrap works with when we are not root.
  ...(isRoot ? {} : { newuidmap: 'uidmap' }),
};

/** @throws LabError with blame `usage`, code `TOOL_MISSING`: names the tools and the command that installs them */
export async function requireTools(tools: Tools, path?: string): Promise<void> {
  const names = Object.keys(tools);
  const found = await Promise.all(names.map((name) => isThere(name, path)));
  const missing = names.filter((_, index) => found[index] !== true);
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map((name) => tools[name]))].sort();
  throw new LabError(`the emulated host needs ${missing.join(', ')}, which this machine lacks`, {
    blame: 'usage',
    code: 'TOOL_MISSING',
    next: `${isRoot ? '' : 'sudo '}apt-get install --yes --no-install-recommends ${packages.join(' ')}`,
  });
}

async function isThere(name: string, path?: string): Promise<boolean> {
  if (!name.startsWith('/')) return (await findCommand(name, path)) !== undefined;
  return await access(name).then(
    () => true,
    () => false,
  );
}
