import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { Rangeset } from '../model/xen/rangeset.ts';
import { mapInherited } from './map-inherited.ts';
import type { RangeMapper } from './pci-placement.ts';

/** A server's ranges in Xen, as the model has them; what was there at first may not go, even for a moment. */
class Ranges implements RangeMapper {
  readonly set: Rangeset;
  readonly #left: { readonly start: number; readonly end: number }[] = [];
  calls = 0;

  constructor(limit?: number) {
    this.set = new Rangeset(limit);
  }

  /** Of the process that has died. */
  leave(start: number, end: number): void {
    this.mapRange(true, start, end);
    this.#left.push({ start, end });
    this.calls = 0;
  }

  mapRange(memory: boolean, start: number, end: number): void {
    expect(memory).toBe(true);
    this.calls++;
    if (this.set.overlaps(BigInt(start), BigInt(end))) throw Object.assign(new Error('there'), { code: 'EEXIST' });
    this.set.add(BigInt(start), BigInt(end));
  }

  unmapRange(memory: boolean, start: number, end: number): void {
    expect(memory).toBe(true);
    for (const one of this.#left) if (one.start <= end && start <= one.end) expect.fail('taken from the guest');
    this.set.remove(BigInt(start), BigInt(end));
  }
}

let ranges: Ranges;
beforeEach(() => {
  ranges = new Ranges();
});

describe('a range for an adopted server', () => {
  it('is mapped when nothing is there', () => {
    mapInherited(ranges, true, 0x1000, 0x1fff);
    expect(ranges.set.ranges).toEqual([{ start: 0x1000n, end: 0x1fffn }]);
    expect(ranges.calls).toBe(1);
  });

  it('stays as it is when it is there, or lies in what is', () => {
    ranges.leave(0x1000, 0x1fff);
    mapInherited(ranges, true, 0x1000, 0x1fff);
    mapInherited(ranges, true, 0x1400, 0x17ff);
    expect(ranges.set.ranges).toEqual([{ start: 0x1000n, end: 0x1fffn }]);
  });

  it('is filled up around the BARs that were in it, whatever they were', () => {
    const block = fc
      .integer({ min: 0, max: 12 })
      .chain((bits) =>
        fc.integer({ min: 0, max: 2 ** (14 - bits) - 1 }).map((index) => ({ start: index << bits, size: 1 << bits })),
      );
    fc.assert(
      fc.property(block, fc.array(block, { maxLength: 4 }), (wanted, left) => {
        const end = wanted.start + wanted.size - 1;
        ranges = new Ranges();
        const ends = new Set<number>();
        for (const { start, size } of left) {
          const last = start + size - 1;
          if (ranges.set.overlaps(BigInt(start), BigInt(last))) continue;
          ranges.leave(start, last);
          if (size >= wanted.size) continue;
          for (const one of [start, last]) if (one === wanted.start || one === end) ends.add(one);
        }
        fc.pre(ends.size < 2);
        mapInherited(ranges, true, wanted.start, end);
        expect(ranges.set.contains(BigInt(wanted.start), BigInt(end))).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('is refused when Xen has no room', () => {
    ranges = new Ranges(1);
    ranges.leave(0x1000, 0x1fff);
    expect(() => mapInherited(ranges, true, 0x3000, 0x3fff)).toThrow('too many ranges');
  });
});
