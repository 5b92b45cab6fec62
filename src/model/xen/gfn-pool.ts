/** How many frames the toolstack gives for servers: NR_IOREQ_SERVER_PAGES of tools/libs/guest/xg_dom_x86.c. */
const poolFrames = 8;

/** What the toolstack told Xen about frames for ioreq pages: HVM params; none of them for a PVH guest. */
export interface GfnParams {
  /** IOREQ_SERVER_PFN: the first of the pool. */
  readonly base: number;
  /** IOREQ_PFN and BUFIOREQ_PFN: what was the default server's. */
  readonly legacy: readonly [number, number];
}

/** The guest frames that Xen may use for pages of servers: `ioreq_gfn` of struct hvm_domain. */
export class GfnPool {
  readonly #base: number;
  readonly #free: boolean[];
  readonly #legacy: readonly [number, number];
  readonly #legacyFree: [boolean, boolean];
  readonly #isFixed: boolean;

  /**
   * @param params undefined: nobody set them (PVH)
   * @param legacyUsable the version's fact of this name
   */
  constructor(params: GfnParams | undefined, legacyUsable: boolean) {
    this.#base = params?.base ?? 0;
    this.#free = Array.from({ length: params === undefined ? 0 : poolFrames }, () => true);
    this.#legacy = params?.legacy ?? [0, 0];
    this.#legacyFree = [this.#legacy[0] !== 0, this.#legacy[1] !== 0];
    this.#isFixed = legacyUsable;
  }

  /** Frames that {@link take} would give one after the other, but for the legacy two. */
  get free(): number {
    return this.#free.filter(Boolean).length;
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
