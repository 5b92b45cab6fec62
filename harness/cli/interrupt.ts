import { EXIT } from '../../results/index.ts';
import { EndReason } from '../run/run.ts';

/** Node's timers take no more: longer ones would fire at once. */
const longestTimeout = 2 ** 31 - 1;

/**
 * A signal that is aborted by Ctrl-C, SIGTERM, SIGHUP, or when the time is over. The second Ctrl-C ends the process at
 * once; emulated hosts die with it.
 */
export function interruptible(timeLimitMs?: number): { readonly signal: AbortSignal } & Disposable {
  const controller = new AbortController();
  const interrupt = (): void => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
    process.stderr.write('\ninterrupted: ending what has been started; once more to end at once\n');
    controller.abort(new EndReason('interrupted'));
  };
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const name of names) process.on(name, interrupt);
  const timer =
    timeLimitMs === undefined
      ? undefined
      : setTimeout(() => controller.abort(new EndReason('outOfTime')), Math.min(timeLimitMs, longestTimeout));
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      clearTimeout(timer);
      for (const name of names) process.off(name, interrupt);
    },
  };
}
