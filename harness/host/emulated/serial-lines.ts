import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** How often a log is looked at. */
const pollMs = 50;

/**
 * The lines of a file that another process writes to, as they come, for ever: until the signal, whose reason is thrown.
 * The file may be missing at first.
 */
export async function* followLines(file: string, signal: AbortSignal): AsyncGenerator<string, never> {
  let position = 0;
  let rest = '';
  const decoder = new TextDecoder();
  for (;;) {
    signal.throwIfAborted();
    const handle = await open(file, 'r').catch(() => undefined);
    if (handle) {
      try {
        const buffer = Buffer.alloc(65_536);
        for (;;) {
          const { bytesRead } = await handle.read(buffer, 0, buffer.length, position);
          if (bytesRead === 0) break;
          position += bytesRead;
          const lines = (rest + decoder.decode(buffer.subarray(0, bytesRead), { stream: true })).split(/\r*\n/);
          rest = lines.pop() ?? '';
          yield* lines;
        }
      } finally {
        await handle.close();
      }
    }
    await sleep(pollMs, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}
