import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { LabError } from '../../../src/errors.ts';
import { systemPath } from './system-path.ts';

/** How a process ended: exit code, or the signal that ended it. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** How to start a process. */
export interface SpawnOptions {
  readonly cwd?: string;
  /** Added to our own environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** What the file descriptors from 3 on are: a numeric descriptor of ours, or `pipe` for a two-way connection. */
  readonly descriptors?: readonly (number | 'pipe')[];
  /** Gets every line of the output. */
  readonly onLine?: (line: string) => void;
  /** Kills the process. */
  readonly signal?: AbortSignal;
  /** Lets it go on when we end; see {@link SpawnedProcess.release}. */
  readonly outlivesUs?: boolean;
}

/** Lines of output that are kept for error messages. */
const keptLines = 40;

/**
 * A process that, unless told otherwise, cannot outlive us, whatever ends us: SIGKILL, too. That is what zx cannot do, whose
 * shell stands between us and the process. The kernel takes the thread that started it for its owner: it ends with a worker.
 */
export class SpawnedProcess implements AsyncDisposable {
  readonly pid: number;
  /** Resolves when the process is gone and its output read. Never rejects. */
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];
  readonly #forget: () => void;
  #isGone = false;

  private constructor(child: ChildProcess, pid: number, options: SpawnOptions) {
    this.#child = child;
    this.pid = pid;
    for (const stream of [child.stdout, child.stderr]) {
      if (stream) {
        eachLine(stream, (line) => {
          this.#lines.push(line);
          if (this.#lines.length > keptLines) this.#lines.shift();
          options.onLine?.(line);
        });
      }
    }
    const abort = (): void => this.kill();
    options.signal?.addEventListener('abort', abort, { once: true });
    this.#forget = () => options.signal?.removeEventListener('abort', abort);
    this.exited = new Promise((resolve) => {
      child.once('exit', () => (this.#isGone = true));
      child.once('close', (code, signal) => {
        this.#forget();
        resolve({ code, signal });
      });
    });
  }

  /** @throws LabError with blame `harness`, code `SPAWN_FAILED` */
  static async start(command: string, words: readonly string[], options: SpawnOptions = {}): Promise<SpawnedProcess> {
    options.signal?.throwIfAborted();
    if (options.outlivesUs === true) return await SpawnedProcess.#spawn(command, words, options);
    // The kernel kills the process when we die; the shell makes sure that we had not died before it was told so.
    const guard = ['--pdeathsig', 'KILL', '--', 'sh', '-c', 'test "$PPID" = "$0" && exec "$@"'];
    return await SpawnedProcess.#spawn('setpriv', [...guard, String(process.pid), command, ...words], options);
  }

  static async #spawn(command: string, words: readonly string[], options: SpawnOptions): Promise<SpawnedProcess> {
    const stdio: StdioOptions = ['ignore', 'pipe', 'pipe', ...(options.descriptors ?? [])];
    const child = spawn(command, words, {
      stdio,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      env: { ...process.env, PATH: systemPath(), ...options.env },
      // A process group of its own: Ctrl-C is for us, and we end the process in our own time.
      detached: true,
    });
    if (child.pid === undefined) {
      const error = await new Promise<Error>((resolve) => child.once('error', resolve));
      throw new LabError(`${command} cannot be started: ${error.message}`, {
        blame: 'harness',
        code: 'SPAWN_FAILED',
        cause: error,
      });
    }
    child.on('error', () => undefined);
    return new SpawnedProcess(child, child.pid, options);
  }

  /** Our end of the two-way connection that descriptor 3 + `index` is. */
  connection(index: number): Duplex {
    return this.#child.stdio[3 + index] as unknown as Duplex;
  }

  /** Has no more to do with a process that outlives us: neither our end nor the signal ends it. */
  release(): void {
    this.#forget();
    for (const stream of this.#child.stdio) stream?.destroy();
    this.#child.unref();
  }

  /** The last lines of what it printed. */
  get output(): string {
    return this.#lines.join('\n');
  }

  /** Ends it at once, with all of its process group. */
  kill(): void {
    if (this.#isGone) return;
    try {
      process.kill(-this.pid, 'SIGKILL');
    } catch {
      // It has just gone.
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill();
    await this.exited;
  }
}

function eachLine(stream: NodeJS.ReadableStream, take: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    const parts = (rest + chunk).split(/\r?\n|\r/);
    rest = (parts.pop() ?? '').slice(-65_536);
    parts.filter((line) => line !== '').forEach(take);
  });
  stream.on('end', () => {
    if (rest !== '') take(rest);
  });
}
