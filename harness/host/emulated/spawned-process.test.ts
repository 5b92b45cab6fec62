import { expect, test } from 'vitest';
import { SpawnedProcess } from './spawned-process.ts';
import { startTimeOf } from './process-identity.ts';
import { gone, runScript } from './testing/run-script.ts';

test('output, exit code and descriptors are what they are', async () => {
  const lines: string[] = [];
  const words = ['-c', 'echo one; echo two >&2; echo "$WORD" >&3; exit 7'];
  await using child = await SpawnedProcess.start('sh', words, {
    env: { WORD: 'three' },
    descriptors: ['pipe'],
    onLine: (line) => lines.push(line),
  });
  let said = '';
  child.connection(0).on('data', (chunk: Buffer) => (said += chunk.toString()));
  expect(await child.exited).toEqual({ code: 7, signal: null });
  expect(lines.sort()).toEqual(['one', 'two']);
  expect(said).toBe('three\n');
  expect(child.output).toContain('two');
});

test('words arrive as they are', async () => {
  await using child = await SpawnedProcess.start('printf', ['%s|', "a b'c", '$HOME', '', '-n']);
  await child.exited;
  expect(child.output).toBe("a b'c|$HOME||-n|");
});

test('a signal ends it, and what it has started', async () => {
  const abort = new AbortController();
  await using child = await SpawnedProcess.start('sh', ['-c', 'sleep 1000 & echo $!; wait'], { signal: abort.signal });
  while (child.output === '') await new Promise((resolve) => setTimeout(resolve, 5));
  abort.abort();
  expect((await child.exited).signal).toBe('SIGKILL');
  await gone(Number(child.output));
});

test('a command that is not there ends at once', async () => {
  await using child = await SpawnedProcess.start('no-such-command-here', []);
  expect((await child.exited).code).toBe(127);
});

test('it dies with its owner, even if that one is killed', async () => {
  await using owner = runScript('sleeper.ts', []);
  const pid = Number(await owner.line(/^pid (\d+)/));
  expect(await startTimeOf(pid)).toBeDefined();
  await owner.kill();
  await gone(pid);
});
