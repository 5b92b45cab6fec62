import { xenBug } from '../xen-bug.ts';

/** Xen's own memory, as far as it can run out and leak: xzalloc and xfree. */
export class XenHeap {
  #allocations = 0;
  #live = 0;
  readonly #failures = new Set<number>();

  /** Objects that were allocated and not freed. */
  get live(): number {
    return this.#live;
  }

  /** Makes one allocation fail; 1 is the next one. */
  failAllocation(n: number): void {
    this.#failures.add(this.#allocations + n);
  }

  /** xzalloc: false when there is no memory. */
  allocate(): boolean {
    if (this.#failures.has(++this.#allocations)) return false;
    this.#live++;
    return true;
  }

  /** xfree. */
  free(): void {
    if (this.#live === 0) throw xenBug('xfree of what was not allocated');
    this.#live--;
  }
}
