import { XenError } from './xen-error.ts';

/** Most ranges of one type that a server holds, after merging: MAX_NR_IO_RANGES of Xen, 4.5 and later. */
export const maxRanges = 256;

/** First and last number of a range, both included. */
export interface Range {
  readonly start: bigint;
  readonly end: bigint;
}

/** Xen's rangeset (xen/common/rangeset.c): numbers of 64 bits, kept as disjoint ranges in ascending order. */
export class Rangeset {
  readonly #limit: number;
  #ranges: Range[] = [];

  constructor(limit = maxRanges) {
    this.#limit = limit;
  }

  get ranges(): readonly Range[] {
    return this.#ranges;
  }

  /** Index of the highest range that starts at or below a number, or -1: find_range(). */
  #find(number: bigint): number {
    let low = 0;
    let high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#ranges[middle] as Range).start > number) high = middle;
      else low = middle + 1;
    }
    return low - 1;
  }

  contains(start: bigint, end: bigint): boolean {
    const range = this.#ranges[this.#find(start)];
    return range !== undefined && range.end >= end;
  }

  overlaps(start: bigint, end: bigint): boolean {
    const range = this.#ranges[this.#find(end)];
    return range !== undefined && start <= range.end;
  }

  /**
   * Adds a range that overlaps none. Xen extends the range below if it is adjacent; otherwise it takes a new one,
   * before it looks whether the range above could have been extended: so a full set grows upwards only.
   *
   * @throws XenError ENOMEM
   */
  add(start: bigint, end: bigint): void {
    const at = this.#find(start);
    const below = this.#ranges[at];
    const above = this.#ranges[at + 1];
    const joinsBelow = below !== undefined && below.end + 1n === start;
    const joinsAbove = above !== undefined && end + 1n === above.start;
    if (!joinsBelow && this.#ranges.length >= this.#limit) throw new XenError('ENOMEM', 'too many ranges');
    const merged = { start: joinsBelow ? below.start : start, end: joinsAbove ? above.end : end };
    const first = joinsBelow ? at : at + 1;
    this.#ranges.splice(first, Number(joinsBelow) + Number(joinsAbove), merged);
  }

  /**
   * Takes a part of one range away. Cutting a piece out of the middle takes a new range.
   *
   * @throws XenError ENOMEM
   */
  remove(start: bigint, end: bigint): void {
    const at = this.#find(start);
    const range = this.#ranges[at];
    if (range === undefined || range.end < end) throw new TypeError('only what the set contains can be removed');
    const left = range.start < start ? [{ start: range.start, end: start - 1n }] : [];
    const right = range.end > end ? [{ start: end + 1n, end: range.end }] : [];
    if (left.length + right.length === 2 && this.#ranges.length >= this.#limit) {
      throw new XenError('ENOMEM', 'too many ranges');
    }
    this.#ranges.splice(at, 1, ...left, ...right);
  }
}
