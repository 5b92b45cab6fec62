import { XenError } from './xen-error.ts';

/** What a guest frame can be set to: HVMMEM_* of public/hvm/hvm_op.h; 3 is not used any more. */
export const memoryType = { ramRw: 0, ramRo: 1, mmioDm: 2, unused: 3, ioreqServer: 4 } as const;

/** What a frame is in Xen's map of the guest: p2m types, as far as device models change them. */
export type FrameType = 'ram_rw' | 'ram_ro' | 'ram_logdirty' | 'mmio_dm' | 'ioreq_server';

/** Frames of 4 KiB in 1 MiB. */
const framesOfMiB = 256;
/** The highest frame that the toolstack populates: the last of the special pages. */
const lastSpecialFrame = 0xfefffn;
/** Most frames of track_dirty_vram: 1 GiB of them. */
const maxTracked = 1 << 18;
/** PAT_TYPE_* of Xen, later X86_MT_*: UC, WC, WT, WP, WB, UC-. */
const cacheTypes = [0, 1, 4, 5, 6, 7];
/** XEN_DOMCTL_DELETE_MEM_CACHEATTR. */
const unpin = 0xffff_ffff;
const maxPinned = 64;

const settable: Readonly<Record<number, FrameType>> = {
  [memoryType.ramRw]: 'ram_rw',
  [memoryType.ramRo]: 'ram_ro',
  [memoryType.mmioDm]: 'mmio_dm',
  [memoryType.ioreqServer]: 'ioreq_server',
};

const isRam = (type: FrameType): boolean => type.startsWith('ram_');

/** allow_p2m_type_change() of xen/arch/x86/hvm/dm.c. What was memory and became mmio_dm stays so. */
function isAllowed(from: FrameType, to: FrameType): boolean {
  if (to === 'ioreq_server') return from === 'ram_rw';
  if (from === 'ioreq_server') return to === 'ram_rw';
  return isRam(from) || to === 'mmio_dm';
}

/** A guest's frames and their types: its p2m, without what is behind it. */
export class MemoryTypes {
  readonly #isRam: (gfn: bigint) => boolean;
  readonly #hasRetryOfOverlap: boolean;
  readonly #changed = new Map<bigint, FrameType>();
  readonly #pinned = new Map<string, { readonly start: bigint; readonly end: bigint }>();
  readonly #pinnedLimit: number;
  #last = lastSpecialFrame;
  #tracked: { readonly first: bigint; readonly frames: number } | undefined;

  /**
   * @param memoryMiB from frame 0 on, without the hole of VGA if the guest has one
   * @param isOverlapSafe the version's fact `overlappingRelocation`
   * @param isPinningLimited the version's fact `pinnedRangesLimited`
   */
  constructor(memoryMiB: number, hasVga: boolean, isOverlapSafe: boolean, isPinningLimited: boolean) {
    const frames = BigInt(memoryMiB * framesOfMiB);
    this.#isRam = (gfn) => gfn < frames && !(hasVga && gfn >= 0xa0n && gfn < 0xc0n);
    this.#hasRetryOfOverlap = isOverlapSafe;
    this.#pinnedLimit = isPinningLimited ? maxPinned : Number.MAX_SAFE_INTEGER;
  }

  /** domain_get_maximum_gpfn(). */
  get maximumGfn(): bigint {
    return this.#last;
  }

  /** A frame that nobody has put anything in is mmio_dm. */
  typeOf(gfn: bigint): FrameType {
    return this.#changed.get(gfn) ?? (this.#isRam(gfn) ? 'ram_rw' : 'mmio_dm');
  }

  /** How many frames are ioreq_server: p2m->ioreq.entry_count. */
  get ioreqServerFrames(): number {
    return [...this.#changed.values()].filter((type) => type === 'ioreq_server').length;
  }

  /** Makes all ioreq_server frames memory again: p2m_finish_type_change(). */
  resetIoreqServer(): void {
    for (const [gfn, type] of this.#changed) if (type === 'ioreq_server') this.#changed.set(gfn, 'ram_rw');
  }

  /**
   * set_mem_type(). What is before the first frame that cannot be changed stays changed.
   *
   * @param hasOwner some server has mapped the type ioreq_server
   */
  set(type: number, first: bigint, frames: number, hasHap: boolean, hasOwner: boolean): void {
    const last = BigInt.asUintN(64, first + BigInt(frames) - 1n);
    if (first > last || last > this.#last) throw new XenError('EINVAL', 'frames beyond the last');
    const to = settable[type];
    if (to === undefined) throw new XenError('EINVAL', 'no such type');
    if (to === 'ioreq_server') {
      if (!hasHap) throw new XenError('EOPNOTSUPP', 'without hardware-assisted paging');
      if (!hasOwner) throw new XenError('EINVAL', 'no server has the type');
    }
    for (let gfn = first; gfn <= last; gfn++) {
      const from = this.typeOf(gfn);
      if (!isAllowed(from, to)) throw new XenError('EINVAL', `${from} cannot become ${to}`);
      this.#changed.set(gfn, to);
    }
  }

  /**
   * track_dirty_vram() and hap_track_dirty_vram(). A guest tracks one range; nothing here writes to it.
   *
   * @returns how many of the frames are dirty: all of a range that is new
   */
  track(first: bigint, frames: number): number {
    if (frames > maxTracked) throw new XenError('EINVAL', 'more than 1 GiB');
    const known = this.#tracked;
    const isNew = known === undefined || known.first !== first || known.frames !== frames;
    if (frames !== 0 && !isNew) return 0;
    for (const [gfn, type] of this.#changed) if (type === 'ram_logdirty') this.#changed.set(gfn, 'ram_rw');
    this.#tracked = frames === 0 ? undefined : { first, frames };
    if (frames === 0) return 0;
    for (let gfn = first; gfn < first + BigInt(frames); gfn++) {
      if (this.typeOf(gfn) === 'ram_rw') this.#changed.set(gfn, 'ram_logdirty');
    }
    return frames;
  }

  /** relocate_memory: xenmem_add_to_physmap() with XENMAPSPACE_gmfn_range, frame after frame until one cannot be. */
  relocate(frames: number, source: bigint, target: bigint, areWrapsRefused: boolean, moved: () => void): void {
    if (areWrapsRefused) {
      if (target === (1n << 64n) - 1n) throw new XenError('EINVAL', 'no frame');
      const end = (first: bigint): bigint => first + BigInt(frames);
      if (end(target) >> 64n !== 0n || end(source) >> 64n !== 0n) throw new XenError('EOVERFLOW', 'frames wrap');
    }
    const isBackwards = this.#hasRetryOfOverlap && target > source && target < source + BigInt(frames);
    for (let i = 0; i < frames; i++) {
      const at = BigInt(isBackwards ? frames - 1 - i : i);
      const [from, to] = [BigInt.asUintN(64, source + at), BigInt.asUintN(64, target + at)];
      if (this.typeOf(from) === 'mmio_dm') throw new XenError('EINVAL', 'no memory there');
      this.#changed.set(from, 'mmio_dm');
      this.#changed.set(to, 'ram_rw');
      if (to > this.#last) this.#last = to;
      moved();
    }
  }

  /** hvm_set_mem_pinned_cacheattr(). */
  pin(start: bigint, end: bigint, type: number, addressBits: number): void {
    if (end < start || (start | end) >> BigInt(addressBits) !== 0n) throw new XenError('EINVAL', 'no such addresses');
    const key = `${start} ${end}`;
    if (type === unpin) {
      if (!this.#pinned.delete(key)) throw new XenError('ENOENT', 'not pinned');
      return;
    }
    if (!cacheTypes.includes(type)) throw new XenError('EINVAL', 'no such type');
    if (this.#pinned.has(key)) return;
    for (const other of this.#pinned.values()) {
      if (other.start <= end && start <= other.end) throw new XenError('EBUSY', 'a part is pinned otherwise');
    }
    if (this.#pinned.size >= this.#pinnedLimit) throw new XenError('ENOSPC', 'too many regions');
    this.#pinned.set(key, { start, end });
  }

  /** What is pinned. */
  get pinned(): readonly { readonly start: bigint; readonly end: bigint }[] {
    return [...this.#pinned.values()];
  }
}
