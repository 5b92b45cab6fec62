import { ForgedDispatch } from '../../src/server/testing/forged-requests.ts';
import { forgeSlots } from '../../src/server/testing/forged-slots.ts';

/** What a soak of forged requests found. */
export interface ForgedReport {
  readonly seed: number;
  /** Requests straight into the dispatch. */
  readonly requests: number;
  /** Calls of handlers that they led to. */
  readonly calls: number;
  /** Requests through shared pages, the native loop and a worker, over the fake of Xen. */
  readonly slots: number;
  readonly durationMs: number;
  /** What is wrong; empty when nothing is. */
  readonly faults: readonly string[];
}

/** How many are dispatched between two looks at the signal. */
const batch = 100_000;
/** Of so many requests one also goes through a slot. */
const slotShare = 100;

/** Forged requests into the dispatch, and a part of as many through the native path. */
export async function soakForged(
  requests: number,
  seed: number,
  { note, signal }: { note: (text: string) => void; signal: AbortSignal },
): Promise<ForgedReport> {
  const startedAt = performance.now();
  const faults: string[] = [];
  const forged = new ForgedDispatch(seed);
  let done = 0;
  let slots = 0;
  try {
    while (done < requests && !signal.aborted) {
      const count = Math.min(batch, requests - done);
      forged.run(count);
      done += count;
      if (done % (10 * batch) === 0) note(`${done} of ${requests} requests, ${forged.calls} calls of handlers`);
      // Ctrl-C is heard between batches.
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (!signal.aborted) {
      note('through slots');
      const result = await forgeSlots(Math.ceil(requests / slotShare), seed);
      slots = result.answered;
      faults.push(...result.troubles.map(({ kind, region, message }) => `${kind} ${region}: ${message}`));
    }
  } catch (error) {
    faults.push(`after ${done} requests: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  }
  const durationMs = Math.round(performance.now() - startedAt);
  return { seed, requests: done, calls: forged.calls, slots, durationMs, faults };
}
