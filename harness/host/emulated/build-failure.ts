import { statfs } from 'node:fs/promises';
import { LabError, messageOf } from '../../../src/errors.ts';

/** Free space that making an image takes, with its intermediate files and a saved state: one GiB at the most, and a reserve. */
export const bytesToBuild = 2 * 1024 ** 3;

/** Free space that a saved state takes. */
export const bytesToSave = 1024 ** 3;

/**
 * Refuses to begin what would fill the disk.
 *
 * @throws LabError with blame `host`, code `DISK_FULL`: says how much is needed and where
 */
export async function requireSpace(directory: string, bytes: number, stat = statfs): Promise<void> {
  const { bavail, bsize } = await stat(directory);
  if (bavail * bsize >= bytes) return;
  throw diskFull(`${directory} has ${gib(bavail * bsize)} GiB free; the emulated host needs ${gib(bytes)} GiB there`);
}

/** Why an image could not be made, from the last lines that a tool printed. */
export function explainBuildFailure(output: string, directory: string): LabError {
  if (/no space left on device|ENOSPC|could not write.*block/i.test(output)) {
    return diskFull(`the disk with ${directory} is full`, output);
  }
  const lines = output.split('\n');
  const network = lines.filter((line) =>
    /could not resolve|connection (refused|timed out|failed)|could not connect|failed to fetch|network is unreachable/i.test(
      line,
    ),
  );
  if (network.length > 0) {
    return new LabError(`Debian's packages cannot be fetched: ${network[0]?.trim()}`, {
      blame: 'host',
      code: 'NETWORK_DOWN',
      next: 'check the network (and http_proxy), or name another mirror in IOREQLAB_MIRROR, then try again',
      evidence: output,
    });
  }
  return new LabError(`the image of the emulated host cannot be made: ${firstError(lines)}`, {
    blame: 'host',
    code: 'IMAGE_FAILED',
    next: 'read what the tools said (shown below), then try again',
    evidence: output,
  });
}

/** Turns a failure of the file system into a {@link LabError}; gives anything else back as it is. */
export function explainFileError(error: unknown, directory: string): unknown {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  if (code === 'ENOSPC') return diskFull(`the disk with ${directory} is full`, messageOf(error));
  if (code === 'EACCES' || code === 'EROFS' || code === 'EPERM') {
    return new LabError(`${directory} cannot be written: ${messageOf(error)}`, {
      blame: 'usage',
      code: 'CACHE_UNWRITABLE',
      next: 'set IOREQLAB_CACHE to a directory that you can write to',
      cause: error,
    });
  }
  return error;
}

/** The error for a full disk. */
export function diskFull(message: string, evidence?: string): LabError {
  return new LabError(message, {
    blame: 'host',
    code: 'DISK_FULL',
    next: 'free some space, or set IOREQLAB_CACHE to a directory on another disk',
    ...(evidence === undefined ? {} : { evidence }),
  });
}

function gib(bytes: number): string {
  return (bytes / 1024 ** 3).toFixed(1);
}

function firstError(lines: readonly string[]): string {
  const first = lines.find((line) => /^(E:|error|mke2fs|tar|dpkg)/i.test(line));
  return (first ?? lines.at(-1) ?? 'no word why').trim();
}
