import { describe, expect, it, vi } from 'vitest';
import { ioreqType } from '../abi/ioreq.ts';
import { memory, port, type RegionHandler } from '../device/region.ts';
import { recorder, Rig } from './testing/dispatcher-rig.ts';

const allOnes = 0xffff_ffff_ffff_ffffn;
const mmio = { type: ioreqType.copy };

describe('a single access', () => {
  it('reaches the handler with its offset and width, and only so many bits come back', () => {
    const rig = new Rig();
    const handler = recorder(0x8877_6655);
    rig.dispatcher.add('d.r', port({ size: 8 }), 0x500, handler);
    expect([1, 2, 4].map((size) => rig.dispatch(0x502, { size }))).toEqual([0x57n, 0x6657n, 0x8877_6657n]);
    rig.dispatch(0x504, { size: 1, write: 0xffff_ff12 });
    rig.dispatch(0x504, { size: 2, write: 0xffff_3412 });
    rig.dispatch(0x504, { size: 4, write: 0xdead_beef });
    expect(handler.calls).toEqual([
      ['read', 2, 1],
      ['read', 2, 2],
      ['read', 2, 4],
      ['write', 4, 1, 0x12],
      ['write', 4, 2, 0x3412],
      ['write', 4, 4, 0xdead_beef],
    ]);
  });

  it('of 8 bytes is two of 4, low half first', () => {
    const rig = new Rig();
    const handler = recorder(0x1000);
    rig.dispatcher.add('d.r', memory({ size: 16 }), 0xf_0000_0000, handler);
    expect(rig.dispatch(0xf_0000_0008, { ...mmio, size: 8 })).toBe(0x0000_100c_0000_1008n);
    rig.dispatch(0xf_0000_0000, { ...mmio, size: 8, write: 0x1122_3344_5566_7788n });
    expect(handler.calls.slice(2)).toEqual([
      ['write', 0, 4, 0x5566_7788],
      ['write', 4, 4, 0x1122_3344],
    ]);
  });

  it('that nobody claims reads all ones and is counted', () => {
    const rig = new Rig();
    const handler = recorder();
    rig.dispatcher.add('d.r', port({ size: 4 }), 0x500, handler);
    expect(rig.dispatch(0x504)).toBe(allOnes);
    expect(rig.dispatch(0x4ff, { size: 2 })).toBe(allOnes);
    expect(rig.dispatch(0x502, { size: 4 })).toBe(allOnes);
    rig.dispatch(0x503, { size: 2, write: 1 });
    expect(rig.dispatch(0x1_0500)).toBe(allOnes);
    expect(rig.dispatch(0x500, mmio)).toBe(allOnes);
    expect(rig.dispatcher.counters).toEqual({ unclaimed: 6, badWidth: 0, malformed: 0 });
    expect(handler.calls).toEqual([]);
  });

  it('of a width that the region does not take reads all ones and is counted', () => {
    const rig = new Rig();
    const [bytes, words] = [recorder(), recorder()];
    rig.dispatcher.add('d.bytes', port({ size: 8, widths: [1] }), 0x500, bytes);
    rig.dispatcher.add('d.words', memory({ size: 8, widths: [2, 4] }), 0xf000_0000, words);
    expect(rig.dispatch(0x500, { size: 2 })).toBe(allOnes);
    expect(rig.dispatch(0x500, { size: 8 })).toBe(allOnes);
    rig.dispatch(0xf000_0000, { ...mmio, size: 1, write: 7 });
    expect(rig.dispatch(0xf000_0000, { ...mmio, size: 8 })).toBe(0x4_0000_0000n);
    expect(rig.dispatcher.counters).toEqual({ unclaimed: 0, badWidth: 3, malformed: 0 });
    expect([bytes.calls.length, words.calls.length]).toEqual([0, 2]);
  });

  it('of a region without a handler for it reads all ones, or is ignored', () => {
    const rig = new Rig();
    const writes: number[] = [];
    rig.dispatcher.add('d.in', port({ size: 4 }), 0x500, { read: () => 5 });
    rig.dispatcher.add('d.out', port({ size: 4 }), 0x600, {
      write: (_offset, _size, value) => void writes.push(value),
    });
    rig.dispatch(0x500, { write: 1 });
    rig.dispatch(0x600, { write: 2 });
    expect([rig.dispatch(0x500), rig.dispatch(0x600)]).toEqual([5n, allOnes]);
    expect(writes).toEqual([2]);
  });

  it('takes whatever number a handler returns as the bits that it is', () => {
    const rig = new Rig();
    const read = vi.fn<() => number>();
    rig.dispatcher.add('d.r', port({ size: 4 }), 0x500, { read });
    for (const [returned, four, one] of [
      [-1, 0xffff_ffffn, 0xffn],
      [2 ** 32 + 5, 5n, 5n],
      [1.9, 1n, 1n],
      [NaN, 0n, 0n],
      [undefined as unknown as number, 0n, 0n],
    ] as const) {
      read.mockReturnValue(returned);
      expect([rig.dispatch(0x500, { size: 4 }), rig.dispatch(0x500, { size: 1 })]).toEqual([four, one]);
    }
  });
});

describe('regions', () => {
  const none: RegionHandler = {};

  it('may touch, but not overlap', () => {
    const { dispatcher } = new Rig();
    dispatcher.add('a.r', port({ size: 4 }), 0x500, none);
    dispatcher.add('b.r', port({ size: 4 }), 0x504, none);
    dispatcher.add('c.r', memory({ size: 0x1000 }), 0x500, none);
    for (const base of [0x4fd, 0x500, 0x507]) {
      expect(() => dispatcher.add('d.r', port({ size: 4 }), base, none)).toThrow(
        expect.objectContaining({
          ...{ blame: 'scenario', code: 'REGION_OVERLAP' },
          message: expect.stringMatching(/^d\.r at 0x[0-9a-f]+ overlaps [ab]\.r at 0x50[04]$/),
        }) as Error,
      );
    }
    expect(() => dispatcher.add('d.r', memory({ size: 1 }), 0x14ff, none)).toThrow(/overlaps c\.r/);
  });

  it('lie where their kind has addresses', () => {
    const { dispatcher } = new Rig();
    for (const [region, base] of [
      [port({ size: 2 }), 0xffff],
      [port({ size: 1 }), -1],
      [port({ size: 1 }), 1.5],
      [port({ size: 1 }), NaN],
      [memory({ size: 1 }), 2 ** 53],
      [memory({ size: 2 }), Number.MAX_SAFE_INTEGER],
      [memory({ size: 1 }), '0x10' as unknown as number],
    ] as const) {
      expect(() => dispatcher.add('d.r', region, base, none)).toThrow(
        expect.objectContaining({ blame: 'scenario', code: 'REGION_OUT_OF_RANGE' }) as Error,
      );
    }
  });

  it('are found among many, whatever the order they were added in', () => {
    const rig = new Rig();
    const bases = Array.from({ length: 100 }, (_, i) => ((i * 37) % 100) * 0x1000 + 0x1_0000_0000);
    for (const base of bases) rig.dispatcher.add(`d.${base}`, memory({ size: 0x800 }), base, { read: () => base });
    for (const base of bases) {
      expect(rig.dispatch(base + 0x7fc, mmio)).toBe(BigInt(base) & 0xffff_ffffn);
      expect(rig.dispatcher.current).toBe(`d.${base}`);
      expect(rig.dispatch(base + 0x800, mmio)).toBe(allOnes);
    }
  });

  it('are named when their handler throws, and the next access is served', () => {
    const rig = new Rig();
    rig.dispatcher.add('a.good', port({ size: 4 }), 0x500, { read: () => 1 });
    rig.dispatcher.add('a.bad', port({ size: 4 }), 0x600, {
      read: () => {
        throw new Error('broken');
      },
    });
    expect(rig.dispatcher.current).toBe('unknown');
    rig.dispatch(0x500);
    expect(() => rig.dispatch(0x600)).toThrow('broken');
    expect(rig.dispatcher.current).toBe('a.bad');
    expect(() => rig.dispatch(0x600, { count: 3, pointer: 0x1000 })).toThrow('broken');
    expect(rig.dispatch(0x500)).toBe(1n);
    expect(rig.dispatcher.current).toBe('a.good');
  });
});

describe('what is no access', () => {
  it('INVALIDATE gives all mappings back', () => {
    const rig = new Rig();
    rig.guestMemory.write(0x1000, 4, 5);
    expect(rig.ram.mapped).toBe(1);
    rig.dispatch(0, { type: ioreqType.invalidate, write: allOnes, count: 0 });
    expect(rig.ram.mapped).toBe(0);
    expect(rig.dispatcher.counters).toEqual({ unclaimed: 0, badWidth: 0, malformed: 0 });
  });

  it('what no Xen sends is counted', () => {
    const rig = new Rig();
    const handler = recorder();
    rig.dispatcher.add('d.r', memory({ size: 0x1000 }), 0, handler);
    for (const [address, access] of [
      [0, { type: ioreqType.pciConfig }],
      [0, { type: ioreqType.timeOffset }],
      [0, { ...mmio, size: 3 }],
      [0, { ...mmio, size: 0 }],
      [0, { ...mmio, count: 4097 }],
      [0, { ...mmio, count: 2, backwards: true }],
      [0, { ...mmio, count: 2, size: 4, pointer: 2, backwards: true, write: 0 }],
      [2 ** 53, mmio],
      [0, { ...mmio, pointer: 2 ** 53, count: 1 }],
    ] as const) {
      rig.dispatch(address, access);
    }
    expect(rig.dispatcher.counters.malformed).toBe(9);
    expect(handler.calls).toEqual([]);
  });
});
