import { open, rename, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';

let written = 0;

/** A name beside `path` that no other process and no other call uses. */
function beside(path: string): string {
  written += 1;
  return join(dirname(path), `.${process.pid}-${written}.tmp`);
}

/**
 * Writes a whole file so that nobody ever sees half of it, even after a power cut: the text reaches the disk under another
 * name first. Throws what the file system says; then the old file, if any, is as it was.
 */
export async function writeAtomically(path: string, text: string): Promise<void> {
  const temporary = beside(path);
  try {
    const file = await open(temporary, 'wx');
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Makes `path` a symbolic link to `target`, in place of a link that may be there; at no time is there none. */
export async function linkAtomically(path: string, target: string): Promise<void> {
  const temporary = beside(path);
  try {
    await symlink(target, temporary);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
