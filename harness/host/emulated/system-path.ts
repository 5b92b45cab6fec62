import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** `$PATH` with the directories of administrators' tools, such as mke2fs, which ordinary users lack. */
export function systemPath(environment: NodeJS.ProcessEnv = process.env): string {
  const listed = (environment['PATH'] ?? '').split(delimiter).filter((directory) => directory !== '');
  const wanted = ['/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/bin', '/bin'];
  return [...listed, ...wanted.filter((directory) => !listed.includes(directory))].join(delimiter);
}

/** Absolute path of a command, if it is there. */
export async function findCommand(name: string, path = systemPath()): Promise<string | undefined> {
  for (const directory of path.split(delimiter)) {
    const file = join(directory, name);
    const isThere = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return file;
  }
  return undefined;
}
