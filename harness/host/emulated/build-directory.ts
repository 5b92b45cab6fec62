import { mkdir, mkdtemp, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { removeTree } from './remove-tree.ts';

const prefix = '.build-';
const scratchRecord = 'scratch';

/**
 * A directory in which something is made, beside the place where it shall be. It gets its name as the last step, so that
 * nothing half-made is ever seen; disposed of before, it vanishes.
 */
export class BuildDirectory implements AsyncDisposable {
  readonly path: string;
  readonly #target: string;
  #scratch: string | undefined;
  #isFinished = false;

  private constructor(path: string, target: string) {
    this.path = path;
    this.#target = target;
  }

  /**
   * Only who holds a lock may do this: what dead holders of that lock have left is removed first.
   *
   * @param target absolute path of what is made
   * @param lockedNames how the names of all targets begin that this lock is for
   */
  static async create(target: string, lockedNames: string): Promise<BuildDirectory> {
    await mkdir(dirname(target), { recursive: true });
    await sweep(dirname(target), `${prefix}${lockedNames}`);
    const path = await mkdtemp(join(dirname(target), `${prefix}${basename(target)}-`));
    return new BuildDirectory(path, target);
  }

  /**
   * A directory for intermediate files. An ordinary user's is outside of the home directory, which the user ids of its name
   * spaces cannot enter.
   */
  async scratch(): Promise<string> {
    if (this.#scratch !== undefined) return this.#scratch;
    const isRoot = process.getuid?.() === 0;
    const path = isRoot ? join(this.path, 'scratch.d') : await mkdtemp(join(tmpdir(), 'ioreqlab-'));
    // Recorded before it is filled, for the sweeper.
    await writeFile(join(this.path, scratchRecord), path);
    await mkdir(path, { recursive: true, mode: 0o755 });
    this.#scratch = path;
    return path;
  }

  /** Puts the directory in its place. What was there was not whole, and is removed. */
  async finish(): Promise<void> {
    if (this.#scratch !== undefined) await removeTree(this.#scratch);
    await removeTree(join(this.path, scratchRecord));
    await removeTree(this.#target);
    await rename(this.path, this.#target);
    this.#isFinished = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isFinished) return;
    if (this.#scratch !== undefined) await removeTree(this.#scratch);
    await removeTree(this.path);
  }
}

/** Removes what builders have left that were killed. */
async function sweep(parent: string, start: string): Promise<void> {
  for (const name of await readdir(parent)) {
    if (!name.startsWith(start)) continue;
    const left = join(parent, name);
    const scratch = await readFile(join(left, scratchRecord), 'utf8').catch(() => undefined);
    if (scratch !== undefined) await removeTree(scratch);
    await removeTree(left);
  }
}
