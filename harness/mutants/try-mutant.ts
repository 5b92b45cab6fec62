import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { parseRun, type Run } from '../../results/index.ts';
import { readFile } from 'node:fs/promises';
import type { Mutant } from './mutant.ts';
import { Sandbox } from './sandbox.ts';

/** What scenarios say of a mutant, or of the project as it is. */
export interface Tried {
  /** Ids of those that fail, in order: a verdict on what was tested, not on the lab. */
  readonly caughtBy: readonly string[];
  /** Ids of those that came to no verdict. */
  readonly undecided: readonly string[];
  /** Ids of all that were run. */
  readonly run: readonly string[];
}

/** How to try. */
export interface TryOptions {
  /** Ids or topics; none: all. */
  readonly scenarios: readonly string[];
  /** Arguments of `ioreqlab run` that say where. */
  readonly where: readonly string[];
  readonly signal?: AbortSignal;
}

/** More than any selection takes: a mutant may hang. */
const timeLimitSeconds = 600;

/**
 * Runs scenarios against a copy of the project that has the bug.
 *
 * @param mutant undefined: the project as it is, which nothing may catch
 * @throws Error when the run came to no result at all
 */
export async function tryMutant(mutant: Mutant | undefined, { scenarios, where, signal }: TryOptions): Promise<Tried> {
  await using sandbox = await Sandbox.create();
  if (mutant !== undefined) await sandbox.apply(mutant);
  const out = join(sandbox.directory, 'out');
  const words = ['run', ...scenarios, ...where, '--out', out, '--time-limit', `${timeLimitSeconds}`];
  const child = spawn(process.execPath, [join(sandbox.directory, 'harness/cli/bin.mjs'), ...words], {
    cwd: sandbox.directory,
    stdio: ['ignore', 'ignore', 'pipe'],
    ...(signal && { signal }),
    killSignal: 'SIGTERM',
  });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint = (complaint + text).slice(-4000)));
  await new Promise<void>((resolve) => child.once('error', () => undefined).once('close', () => resolve()));
  signal?.throwIfAborted();
  const record = await readFile(join(out, 'latest/run.json'), 'utf8').catch(() => {
    throw new Error(`no result of ${scenarios.join(' ')}: ${complaint.trim()}`);
  });
  return judge(parseRun(record, 'run.json'));
}

function judge({ scenarios }: Run): Tried {
  const ids = (verdicts: readonly string[]): string[] => {
    const found = scenarios.filter(({ verdict }) => verdicts.length === 0 || verdicts.includes(verdict));
    return [...new Set(found.map(({ id }) => id))].sort();
  };
  return { caughtBy: ids(['fail', 'crash']), undecided: ids(['error', 'notRun']), run: ids([]) };
}
