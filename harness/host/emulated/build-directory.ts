import { mkdir, mkdtemp, readdir, rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { removeTree } from './remove-tree.ts';

const prefix = '.build-';

/**
 * A directory in which something is made, beside the place where it shall be. It gets its name as the last step, so that
 * nothing half-made is ever seen; disposed of before, it vanishes.
 */
export class BuildDirectory implements AsyncDisposable {
  readonly path: string;
  /** A directory inside, for intermediate files. */
  readonly scratch: string;
  readonly #target: string;
  #isFinished = false;

  private constructor(path: string, target: string) {
    this.path = path;
    this.scratch = join(path, 'scratch');
    this.#target = target;
  }

  /**
   * Only who holds a lock may do this: what dead holders of that lock have left is removed first.
   *
   * @param target absolute path of what is made
   * @param lockedNames how the names of all targets begin that this lock is for
   */
  static async create(target: string, lockedNames: string): Promise<BuildDirectory> {
    const parent = dirname(target);
    await mkdir(parent, { recursive: true });
    for (const name of await readdir(parent)) {
      if (name.startsWith(`${prefix}${lockedNames}`)) await removeTree(join(parent, name));
    }
    const build = new BuildDirectory(await mkdtemp(join(parent, `${prefix}${basename(target)}-`)), target);
    await mkdir(build.scratch);
    return build;
  }

  /** Puts the directory in its place, without the intermediate files. What was there was not whole, and is removed. */
  async finish(): Promise<void> {
    await removeTree(this.scratch);
    await removeTree(this.#target);
    await rename(this.path, this.#target);
    this.#isFinished = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isFinished) await removeTree(this.path);
  }
}
