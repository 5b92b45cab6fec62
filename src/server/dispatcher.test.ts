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
    expect(rig.dispatcher.counters).toEqual({ unclaimed: 6, badWidth: 0, misaligned: 0, malformed: 0, undecoded: 0 });
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
    expect(rig.dispatcher.counters).toEqual({ unclaimed: 0, badWidth: 3, misaligned: 0, malformed: 0, undecoded: 0 });
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

describe('8 bytes at once', () => {
  it('reach a handler that takes them, and no other way', () => {
    const rig = new Rig();
    const calls: unknown[] = [];
    const handler: RegionHandler = {
      read8: (offset, result) => {
        calls.push(['read8', offset, [...result]]);
        if (offset === 8) return;
        result[0] = 0x8877_6655;
        result[1] = 0x4433_2211;
      },
      write8: (offset, low, high) => void calls.push(['write8', offset, low, high]),
    };
    rig.dispatcher.add('d.r', memory({ size: 16, widths: [8] }), 0xf000_0000, handler);
    expect(rig.dispatch(0xf000_0000, { ...mmio, size: 8 })).toBe(0x4433_2211_8877_6655n);
    expect(rig.dispatch(0xf000_0008, { ...mmio, size: 8 })).toBe(allOnes);
    rig.dispatch(0xf000_0004, { ...mmio, size: 8, write: 0xf0f1_f2f3_f4f5_f6f7n });
    expect(rig.dispatch(0xf000_0000, { ...mmio, size: 4 })).toBe(allOnes);
    const [ones] = [[0xffff_ffff, 0xffff_ffff]];
    expect(calls).toEqual([
      ['read8', 0, ones],
      ['read8', 8, ones],
      ['write8', 4, 0xf4f5_f6f7, 0xf0f1_f2f3],
    ]);
    expect(rig.dispatcher.counters.badWidth).toBe(1);
  });

  it('are not two of 4 for a region that takes 8 but lacks one direction', () => {
    const rig = new Rig();
    const handler = { ...recorder(), write8: () => undefined };
    rig.dispatcher.add('d.r', memory({ size: 16, widths: [4, 8] }), 0, handler);
    expect(rig.dispatch(0, { ...mmio, size: 8 })).toBe(allOnes);
    expect(handler.calls).toEqual([]);
  });

  it('that nobody would take are refused when the region is declared', () => {
    const { dispatcher } = new Rig();
    expect(() => dispatcher.add('d.r', memory({ size: 16, widths: [4, 8] }), 0, recorder())).toThrow(
      expect.objectContaining({ blame: 'scenario', code: 'HANDLER_INCOMPLETE' }) as Error,
    );
  });
});

describe('natural alignment', () => {
  it('lets only offsets through that are a multiple of the width, and counts the others', () => {
    const rig = new Rig();
    const handler = recorder();
    const region = { size: 32, alignment: 'natural' } as const;
    rig.dispatcher.add('d.p', port(region), 0x501, handler);
    rig.dispatcher.add('d.m', memory(region), 0x2_0000_0001, handler);
    for (const [type, base] of [
      [ioreqType.pio, 0x501],
      [ioreqType.copy, 0x2_0000_0001],
    ] as const) {
      handler.calls.length = 0;
      for (let offset = 0; offset < 9; offset++) {
        for (const size of [1, 2, 4, 8]) rig.dispatch(base + offset, { type, size });
      }
      const offsetsOf = (wanted: number): number[] =>
        handler.calls.filter(([, , size]) => size === wanted).map(([, offset]) => offset as number);
      expect(offsetsOf(1)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
      expect(offsetsOf(2)).toEqual([0, 2, 4, 6, 8]);
      // Of 8 bytes: two of 4 each at 0 and at 8.
      expect(offsetsOf(4)).toEqual([0, 0, 4, 4, 8, 8, 12]);
    }
    expect(rig.dispatcher.counters).toMatchObject({ misaligned: 2 * (4 + 6 + 7), badWidth: 0, unclaimed: 0 });
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
    expect(rig.dispatcher.counters).toEqual({ unclaimed: 0, badWidth: 0, misaligned: 0, malformed: 0, undecoded: 0 });
  });

  it('TIMEOFFSET tells whoever wants to know, with its sign', () => {
    const rig = new Rig();
    const heard: number[] = [];
    const tell = (write: bigint): unknown => rig.dispatch(0, { type: ioreqType.timeOffset, size: 8, write });
    tell(1n);
    for (let i = 0; i < 2; i++) rig.dispatcher.onTimeOffset((seconds) => void heard.push(seconds));
    tell(3600n);
    tell(BigInt.asUintN(64, -86_400n));
    tell(BigInt.asUintN(64, -(2n ** 40n)));
    expect(heard).toEqual([3600, 3600, -86_400, -86_400, -(2 ** 40), -(2 ** 40)]);
    expect(rig.dispatcher.counters.malformed).toBe(0);
  });

  it('guest memory that a request wrote is told before it is answered, once', () => {
    const rig = new Rig();
    rig.dispatcher.add('d.p', port({ size: 4 }), 0x60, {
      read: () => 1,
      write: (_offset, _size, value) => rig.guestMemory.write(value, 4, 7),
    });
    rig.dispatch(0x60, { size: 4, count: 512, pointer: 0x1ffc });
    expect(rig.ram.modified).toEqual([[1, 2]]);
    rig.dispatch(0x60, { size: 4, count: 512, write: 0, pointer: 0x2000 });
    expect(rig.ram.modified).toEqual([[1, 2], [0]]);
    rig.dispatch(0x60);
    rig.dispatch(0x60, { write: 0x5000 });
    expect(rig.ram.modified).toEqual([[1, 2], [0], [5]]);
  });

  it('what no Xen sends is counted', () => {
    const rig = new Rig();
    const handler = recorder();
    rig.dispatcher.add('d.r', memory({ size: 0x1000 }), 0, handler);
    for (const [address, access] of [
      [0, { type: ioreqType.timeOffset, size: 4 }],
      [0, { type: 3 }],
      [0, { type: ioreqType.pciConfig, size: 8 }],
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
    expect(rig.dispatcher.counters.malformed).toBe(10);
    expect(handler.calls).toEqual([]);
  });
});
