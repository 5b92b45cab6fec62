import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** A directory for the files of some tests, removed with its owner. */
export class Place implements AsyncDisposable {
  readonly directory: string;
  /** For `--out`. */
  readonly runs: string;
  /** The temporary directory of the processes under test: what they leave there is theirs alone. */
  readonly temporary: string;
  readonly env: Readonly<Record<string, string>>;

  private constructor(directory: string) {
    this.directory = directory;
    this.runs = join(directory, 'runs');
    this.temporary = join(directory, 'tmp');
    this.env = { TMPDIR: this.temporary };
  }

  static async create(): Promise<Place> {
    const place = new Place(await mkdtemp(join(tmpdir(), 'e2e-')));
    await mkdir(place.temporary);
    return place;
  }

  /** Writes a file below the directory and gives its absolute path. */
  async write(name: string, contents: string): Promise<string> {
    const path = join(this.directory, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, contents);
    return path;
  }

  /** What ioreqlab has left in its temporary directory. */
  async leftovers(): Promise<string[]> {
    return (await readdir(this.temporary)).filter((name) => name.startsWith('ioreqlab'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }
}
