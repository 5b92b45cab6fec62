import { spawn, type ChildProcessByStdio } from 'node:child_process';
import type { Readable } from 'node:stream';
import { join } from 'node:path';
import { repository } from '../repository.ts';
import { parseLines, type JsonLines } from './json-lines.ts';
import { TextLines } from './text-lines.ts';

/** How a call of the command line ended. */
export interface CliEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly cwd?: string;
  /** Added to our own environment. */
  readonly env?: Readonly<Record<string, string>>;
}

type Child = ChildProcessByStdio<null, Readable, Readable>;

/** `ioreqlab` as a process of its own, as users start it. Whatever is left of it ends with its owner. */
export class Cli implements AsyncDisposable {
  readonly pid: number;
  readonly stdout: TextLines;
  readonly stderr: TextLines;
  readonly ended: Promise<CliEnd>;
  readonly #child: Child;

  private constructor(child: Child) {
    this.#child = child;
    this.pid = child.pid ?? 0;
    this.stdout = new TextLines(child.stdout);
    this.stderr = new TextLines(child.stderr);
    this.ended = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        resolve({ code, signal, stdout: this.stdout.text, stderr: this.stderr.text });
      });
    });
  }

  static start(words: readonly string[], { cwd = repository, env = {} }: CliOptions = {}): Cli {
    const { NO_COLOR: _no, FORCE_COLOR: _force, ...inherited } = process.env;
    const child = spawn(process.execPath, [join(repository, 'harness/cli/bin.mjs'), ...words], {
      cwd,
      env: { ...inherited, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return new Cli(child);
  }

  /** Runs it to its end. */
  static async run(words: readonly string[], options?: CliOptions): Promise<CliEnd> {
    await using cli = Cli.start(words, options);
    return await cli.ended;
  }

  /** What `--json` printed so far; every line is checked. */
  get json(): JsonLines {
    return parseLines(this.stdout.text);
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Closes our end of its stdout. */
  closeStdout(): void {
    this.#child.stdout.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.kill('SIGKILL');
    await this.ended;
  }
}
