import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** The directories below the cache directory. All paths are absolute. */
export interface Cache {
  readonly directory: string;
  /** Images, one directory each. */
  readonly images: string;
  /** Records, sockets and logs of hosts that were started to stay. */
  readonly hosts: string;
  /** Lock files. */
  readonly locks: string;
  /** What QEMU writes while a host runs; its files have no names any more as soon as they are open. */
  readonly temporary: string;
}

/**
 * Where images are kept: `$IOREQLAB_CACHE`, else `ioreqlab` below `$XDG_CACHE_HOME`, else below `~/.cache`.
 *
 * @param directory overrides all of them
 */
export function cacheAt(directory?: string, environment: NodeJS.ProcessEnv = process.env): Cache {
  const base = environment['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  const root = resolve(directory || environment['IOREQLAB_CACHE'] || join(base, 'ioreqlab'));
  return {
    directory: root,
    images: join(root, 'images'),
    hosts: join(root, 'hosts'),
    locks: join(root, 'locks'),
    temporary: join(root, 'tmp'),
  };
}
