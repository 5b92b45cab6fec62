import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { LabError } from '../../../src/errors.ts';
import { systemPath } from './system-path.ts';

/** How soon a lock that nobody holds is ours; beyond it somebody is told that we wait. */
const promptMs = 300;

/**
 * Holds a file's lock (flock(2)) until disposed of, and waits for it as long as another process has it. The lock dies with
 * its owner: it belongs to a `cat` that flock(1) turns into, which ends when its input does, however we end.
 *
 * @param onWait called once when the lock is not free
 * @throws the reason of the signal; LabError with blame `harness`, code `LOCK_FAILED`, when there can be no lock
 */
export async function holdLock(
  file: string,
  { signal, onWait }: { signal?: AbortSignal; onWait?: () => void } = {},
): Promise<AsyncDisposable> {
  signal?.throwIfAborted();
  await mkdir(dirname(file), { recursive: true });
  // `cat` echoes what we write as soon as it runs, and it runs as soon as flock has the lock.
  const child = spawn('flock', ['--exclusive', '--no-fork', file, 'cat'], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, PATH: systemPath() },
    detached: true,
  });
  const gone = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
    child.once('error', () => resolve());
  });
  const release = async (): Promise<void> => {
    child.stdin.destroy();
    // While it waits for the lock it does not read its input.
    if (child.pid !== undefined && child.exitCode === null) child.kill('SIGKILL');
    await gone;
  };
  child.stdin.on('error', () => undefined);
  let words = '';
  child.stderr.on('data', (chunk: Buffer) => (words += chunk.toString()));
  child.stdin.write('\n');
  const timer = setTimeout(() => onWait?.(), promptMs);
  try {
    const isHeld = await Promise.race([
      once(child.stdout, 'data', signal ? { signal } : {}).then(() => true),
      gone.then(() => false),
    ]);
    if (!isHeld) {
      throw new LabError(`${file} cannot be locked: ${words.trim()}`, { blame: 'harness', code: 'LOCK_FAILED' });
    }
  } catch (error) {
    await release();
    throw signal?.aborted ? signal.reason : error;
  } finally {
    clearTimeout(timer);
  }
  return {
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await gone;
    },
  };
}
