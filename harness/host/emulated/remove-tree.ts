import { readFile, rm } from 'node:fs/promises';
import { $ } from 'zx';
import { LabError } from '../../../src/errors.ts';
import { asRoot, isRoot } from './name-spaces.ts';
import { systemPath } from './system-path.ts';

/**
 * Removes a directory that may hold the root of a system, and in it files of other users and, after a mishap, mounts: then
 * nothing is removed, because it might be the machine's /dev.
 *
 * @throws LabError with blame `harness`, code `STILL_MOUNTED`
 */
export async function removeTree(directory: string): Promise<void> {
  const mounts = await mountsBelow(directory);
  if (mounts.length > 0) {
    throw new LabError(`${directory} cannot be removed: ${mounts[0]} is mounted below it`, {
      blame: 'harness',
      code: 'STILL_MOUNTED',
      next: `umount ${mounts.join(' ')}`,
    });
  }
  try {
    await rm(directory, { recursive: true, force: true });
  } catch (error) {
    if (isRoot) throw error;
    // Files of user ids that are ours only inside a name space.
    const words = [...asRoot, '--', 'rm', '--recursive', '--force', '--one-file-system', directory];
    await $({ quiet: true, env: { ...process.env, PATH: systemPath() } })`unshare ${words}`;
  }
}

/** The mount points below a directory, the innermost first. */
export async function mountsBelow(directory: string, table = '/proc/self/mountinfo'): Promise<string[]> {
  const lines = (await readFile(table, 'utf8')).split('\n');
  return lines
    .map((line) => decode(line.split(' ')[4] ?? ''))
    .filter((point) => point.startsWith(`${directory}/`))
    .reverse();
}

/** Spaces and the like are octal in mountinfo (proc_pid_mountinfo(5)). */
function decode(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));
}
