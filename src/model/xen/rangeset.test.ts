import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { maxRanges, Rangeset } from './rangeset.ts';

// A busy machine is no failure.
vi.setConfig({ testTimeout: 120_000 });

const refused = (code: string) => expect.objectContaining({ code }) as Error;
const small = fc.record({ start: fc.bigInt({ min: 0n, max: 80n }), length: fc.bigInt({ min: 1n, max: 9n }) });

describe('a set of ranges', () => {
  it('holds exactly the numbers that were added and not removed, as few ranges as possible', () => {
    const step = fc.record({ adds: fc.boolean(), range: small });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const set = new Rangeset();
        const numbers = new Set<bigint>();
        for (const { adds, range } of steps) {
          const end = range.start + range.length - 1n;
          const all = Array.from({ length: Number(range.length) }, (_, i) => range.start + BigInt(i));
          expect(set.overlaps(range.start, end)).toBe(all.some((n) => numbers.has(n)));
          expect(set.contains(range.start, end)).toBe(all.every((n) => numbers.has(n)));
          if (adds && !set.overlaps(range.start, end)) {
            set.add(range.start, end);
            for (const n of all) numbers.add(n);
          } else if (!adds && set.contains(range.start, end)) {
            set.remove(range.start, end);
            for (const n of all) numbers.delete(n);
          }
          const gaps = [...numbers].filter((n) => !numbers.has(n - 1n)).length;
          expect(set.ranges).toHaveLength(gaps);
          expect(set.ranges.reduce((sum, one) => sum + Number(one.end - one.start) + 1, 0)).toBe(numbers.size);
        }
      }),
    );
  });

  it('reaches to the last number', () => {
    const last = (1n << 64n) - 1n;
    const set = new Rangeset();
    set.add(last - 1n, last);
    set.add(0n, 0n);
    expect(set.ranges).toHaveLength(2);
    set.remove(last, last);
    expect(set.contains(last - 1n, last - 1n)).toBe(true);
    expect(set.contains(last, last)).toBe(false);
  });
});

describe('a full set', () => {
  const full = (): Rangeset => {
    const set = new Rangeset();
    for (let i = 0n; i < BigInt(maxRanges); i++) set.add(i * 4n + 1n, i * 4n + 1n);
    return set;
  };

  it('takes no further range', () => expect(() => full().add(3n, 3n)).toThrow(refused('ENOMEM')));

  it('grows upwards, also into the next range, but not downwards', () => {
    const set = full();
    set.add(2n, 2n);
    expect(() => set.add(4n, 4n)).toThrow(refused('ENOMEM'));
    set.add(3n, 4n);
    expect(set.ranges).toHaveLength(maxRanges - 1);
    expect(set.contains(1n, 5n)).toBe(true);
  });

  it('is not cut in two', () => {
    const set = full();
    set.add(2n, 3n);
    expect(() => set.remove(2n, 2n)).toThrow(refused('ENOMEM'));
    set.remove(3n, 3n);
    expect(set.contains(1n, 2n)).toBe(true);
  });
});
