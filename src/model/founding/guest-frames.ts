import { frameBytes } from '../../abi/ioreq.ts';
import type { Errno } from '../errno.ts';
import { xenBug } from '../xen-bug.ts';

/**
 * What is behind a frame number: memory; memory that is paged out or shared with another domain and stays so; memory of
 * another page type, that cannot be written.
 */
export type FrameKind = 'memory' | 'paged' | 'shared' | 'typed';

/** A frame of the guest's memory. */
export interface GuestFrame {
  readonly gfn: number;
  readonly kind: FrameKind;
  /** 4096 bytes, seen by the guest, by Xen and by the emulator alike. */
  readonly bytes: ArrayBuffer;
  /** Mappings that Xen holds: each a reference and a writable type. */
  mappings: number;
}

/** The guest's memory, of which only some frames exist. */
export class GuestFrames {
  readonly #frames = new Map<number, GuestFrame>();
  #attempts = 0;
  readonly #failures = new Set<number>();

  add(gfn: number, kind: FrameKind = 'memory'): GuestFrame {
    const frame: GuestFrame = { gfn, kind, bytes: new ArrayBuffer(frameBytes), mappings: 0 };
    this.#frames.set(gfn, frame);
    return frame;
  }

  get(gfn: number): GuestFrame | undefined {
    return this.#frames.get(gfn);
  }

  /** Mappings that Xen holds, of all frames. */
  get mappings(): number {
    return [...this.#frames.values()].reduce((sum, { mappings }) => sum + mappings, 0);
  }

  /** Makes one mapping fail with ENOMEM, as when Xen has no more room for global mappings; 1 is the next one. */
  failMapping(n: number): void {
    this.#failures.add(this.#attempts + n);
  }

  /**
   * prepare_ring_for_helper: maps a frame for as long as Xen likes.
   *
   * @returns ENOENT for one that is paged out or shared, EINVAL for a hole or another type, ENOMEM
   */
  prepareRing(gfn: number): GuestFrame | Errno {
    const frame = this.#frames.get(gfn);
    if (frame?.kind === 'paged' || frame?.kind === 'shared') return 'ENOENT';
    if (frame === undefined || frame.kind === 'typed') return 'EINVAL';
    if (this.#failures.has(++this.#attempts)) return 'ENOMEM';
    frame.mappings++;
    return frame;
  }

  /** destroy_ring_for_helper. */
  destroyRing(frame: GuestFrame): void {
    if (frame.mappings === 0) throw xenBug(`destroy_ring_for_helper: frame ${frame.gfn} is not mapped`);
    frame.mappings--;
  }
}
