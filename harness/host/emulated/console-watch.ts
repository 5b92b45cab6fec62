import { findCrash } from '../crash-signatures.ts';
import { followLines } from './serial-lines.ts';

/** The first line of a console that tells of the death of Xen or dom0; never, if the signal comes first. */
export async function crashOnConsole(log: string, signal: AbortSignal): Promise<string> {
  try {
    for await (const line of followLines(log, signal)) {
      if (findCrash(line) !== undefined) return line;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return await new Promise(() => undefined);
}
