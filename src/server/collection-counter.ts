import { GCProfiler } from 'node:v8';

/**
 * Counts the garbage collections of this thread: serving is to cause none, whatever the number of requests. Not the
 * observer of perf_hooks, which tells nothing as long as the thread's event loop stands still.
 */
export class CollectionCounter {
  #profiler: GCProfiler | undefined;

  /** Counts from now on. */
  start(): void {
    this.#profiler = new GCProfiler();
    this.#profiler.start();
  }

  /** How many there were since {@link CollectionCounter.start}. */
  stop(): number {
    // Declared as void up to Node's types of today.
    const found = this.#profiler?.stop() as { readonly statistics: readonly unknown[] } | undefined;
    this.#profiler = undefined;
    return found?.statistics.length ?? 0;
  }
}
