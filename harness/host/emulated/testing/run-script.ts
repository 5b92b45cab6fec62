import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { repository } from '../../../repository.ts';
import { startTimeOf } from '../process-identity.ts';

/** A script that runs in a process of its own. */
export interface Script extends AsyncDisposable {
  /** Waits for a line of its output that fits, and gives what the pattern's first group found. Fails after a minute. */
  line(pattern: RegExp): Promise<string>;
  /** All lines of output so far. */
  readonly lines: readonly string[];
  /** Ends it with SIGKILL, so that it can tidy nothing up. */
  kill(): Promise<void>;
  readonly exited: Promise<unknown>;
}

/** How to run a script. */
export interface ScriptOptions {
  /** Added to our own environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** A command and its words that run the script. */
  readonly inside?: readonly string[];
}

/** Starts a TypeScript file beside this one in another process. */
export function runScript(name: string, words: readonly string[], { env, inside = [] }: ScriptOptions = {}): Script {
  const script = [process.execPath, '--import', 'tsx', join(import.meta.dirname, name), ...words];
  const [command = '', ...rest] = [...inside, ...script];
  const child = spawn(command, rest, {
    cwd: repository,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
  };
  return {
    lines,
    exited,
    kill,
    async line(pattern) {
      const deadline = Date.now() + 60_000;
      for (;;) {
        const found = lines.map((line) => pattern.exec(line)).find((match) => match !== null);
        if (found) return found[1] ?? '';
        if (Date.now() > deadline || child.exitCode !== null || child.signalCode !== null) {
          throw new Error(`no line like ${String(pattern)} in:\n${lines.join('\n')}`);
        }
        await sleep(20);
      }
    },
    [Symbol.asyncDispose]: kill,
  };
}

/** Resolves when there is no process of that id any more; fails after ten seconds. */
export async function gone(pid: number): Promise<void> {
  const deadline = Date.now() + 10_000;
  while ((await startTimeOf(pid)) !== undefined) {
    if (Date.now() > deadline) throw new Error(`process ${pid} is still there`);
    await sleep(20);
  }
}
