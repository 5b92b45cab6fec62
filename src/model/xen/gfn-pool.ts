/** How many frames the toolstack gives for servers: NR_IOREQ_SERVER_PAGES of tools/libs/guest/xg_dom_x86.c. */
const poolFrames = 8;

/** What the toolstack told Xen about frames for ioreq pages: HVM params, set by alloc_magic_pages_hvm() there. */
export interface GfnParams {
  /** IOREQ_SERVER_PFN: the first of the pool; only when the guest has a device model of its own (not PVH). */
  readonly pool: number | undefined;
  /** IOREQ_PFN and BUFIOREQ_PFN: what was the default server's. */
  readonly legacy: readonly [number, number];
}

/** The params of a guest: the special pages end at 0xfefff, and the pool is below them. */
export function gfnParamsOf(kind: 'hvm' | 'pvh'): GfnParams {
  return { pool: kind === 'hvm' ? 0xfeff0 : undefined, legacy: [0xfeffd, 0xfeffb] };
}

/** All frames that a pool can give. */
export function framesOf({ pool, legacy }: GfnParams): number[] {
  const pooled = pool === undefined ? [] : Array.from({ length: poolFrames }, (_, i) => pool + i);
  return [...pooled, ...legacy];
}

/** The guest frames that Xen may use for pages of servers: `ioreq_gfn` of struct hvm_domain. */
export class GfnPool {
  readonly #base: number;
  readonly #free: boolean[];
  readonly #legacy: readonly [number, number];
  readonly #legacyFree: [boolean, boolean] = [true, true];
  readonly #isFixed: boolean;

  /** @param legacyUsable the version's fact of this name */
  constructor({ pool, legacy }: GfnParams, legacyUsable: boolean) {
    this.#base = pool ?? 0;
    this.#free = Array.from({ length: pool === undefined ? 0 : poolFrames }, () => true);
    this.#legacy = legacy;
    this.#isFixed = legacyUsable;
  }

  /** Frames that are nobody's. */
  get free(): number {
    return [...this.#free, ...this.#legacyFree].filter(Boolean).length;
  }

  /** hvm_alloc_ioreq_gfn(): undefined when none is left. */
  take(): number | undefined {
    const index = this.#free.indexOf(true);
    if (index >= 0) {
      this.#free[index] = false;
      return this.#base + index;
    }
    // hvm_alloc_legacy_ioreq_gfn(): test_and_clear_bit, with the test inverted before 282ed258a5.
    for (const i of [0, 1] as const) {
      const wasFree = this.#legacyFree[i];
      this.#legacyFree[i] = false;
      if (wasFree === this.#isFixed) return this.#legacy[i];
    }
    return undefined;
  }

  /** hvm_free_ioreq_gfn(). */
  give(gfn: number): void {
    const i = this.#legacy.indexOf(gfn);
    if (i === 0 || i === 1) this.#legacyFree[i] = true;
    else this.#free[gfn - this.#base] = true;
  }
}
