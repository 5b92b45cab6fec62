import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { repository } from '../repository.ts';
import { mutate, type Mutant } from './mutant.ts';

/** What a run of scenarios needs of the project, with what was built of it. */
const parts = ['package.json', 'tsconfig.json', 'src', 'guests', 'harness', 'scenarios', 'results', 'infra', 'build'];

const isNeeded = (path: string): boolean => !/^\/(results\/runs|build\/(?!native|guests))(\/|$)/.test(path);

/** A copy of the project in a temporary directory, removed with its owner: mutants never touch the original. */
export class Sandbox implements AsyncDisposable {
  readonly directory: string;

  private constructor(directory: string) {
    this.directory = directory;
  }

  static async create(): Promise<Sandbox> {
    const sandbox = new Sandbox(await mkdtemp(join(tmpdir(), 'ioreqlab-mutant-')));
    try {
      for (const part of parts) {
        await cp(join(repository, part), join(sandbox.directory, part), {
          recursive: true,
          preserveTimestamps: true,
          filter: (source) => isNeeded(source.slice(repository.length)),
        });
      }
      await symlink(join(repository, 'node_modules'), join(sandbox.directory, 'node_modules'));
      return sandbox;
    } catch (error) {
      await sandbox[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Puts the bug in, and builds what it is in. @throws Error when the place is not there, or it does not compile */
  async apply(mutant: Mutant): Promise<void> {
    const file = join(this.directory, mutant.file);
    await writeFile(file, mutate(mutant, await readFile(file, 'utf8')));
    if (mutant.part === 'guest') {
      await promisify(execFile)('make', ['--silent', '-C', join(this.directory, 'guests/workload')]);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }
}
