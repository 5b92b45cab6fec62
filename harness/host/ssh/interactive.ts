import type { Duplex } from 'node:stream';

/** Ctrl-], as telnet and virsh use it. */
const escapeByte = 0x1d;

/**
 * Joins the terminal and a stream until the stream ends or Ctrl-] is typed. Keys go through as they are.
 *
 * @param resized called when the terminal changes its size
 */
export async function joinTerminal(stream: Duplex, resized?: (rows: number, cols: number) => void): Promise<void> {
  const { stdin, stdout } = process;
  const isTerminal = stdin.isTTY === true;
  if (isTerminal) stdin.setRawMode(true);
  const onResize = (): void => resized?.(stdout.rows, stdout.columns);
  stdout.on('resize', onResize);
  const onKeys = (keys: Buffer): void => {
    const at = isTerminal ? keys.indexOf(escapeByte) : -1;
    if (at < 0) stream.write(keys);
    else stream.destroy();
  };
  stdin.on('data', onKeys);
  stdin.once('end', () => stream.end());
  try {
    stream.on('data', (chunk: Buffer) => stdout.write(chunk));
    await new Promise<void>((resolve) => {
      stream.once('close', resolve);
      stream.once('error', () => resolve());
    });
  } finally {
    stdin.off('data', onKeys);
    stdout.off('resize', onResize);
    if (isTerminal) stdin.setRawMode(false);
    stdin.pause();
  }
}
