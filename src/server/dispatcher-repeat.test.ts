import { describe, expect, it } from 'vitest';
import { ioreqType } from '../abi/ioreq.ts';
import { memory, port } from '../device/region.ts';
import { recorder, Rig } from './testing/dispatcher-rig.ts';

const mmio = { type: ioreqType.copy };

describe('a repeated access', () => {
  const element = (rig: Rig, address: number): number => rig.guestMemory.read(address, 2);

  it('from a port fills memory upwards or downwards, and the port stands still', () => {
    for (const backwards of [false, true]) {
      const rig = new Rig();
      let next = 0x100;
      const offsets: number[] = [];
      const read = (offset: number): number => (offsets.push(offset), next++);
      rig.dispatcher.add('d.r', port({ size: 4 }), 0x60, { read });
      const pointer = 0x2ffe;
      rig.dispatch(0x62, { size: 2, count: 300, pointer, backwards });
      const step = backwards ? -2 : 2;
      expect([0, 1, 299].map((i) => element(rig, pointer + i * step))).toEqual([0x100, 0x101, 0x100 + 299]);
      expect(new Set(offsets)).toEqual(new Set([2]));
      expect(element(rig, pointer - step)).toBe(0);
      expect(element(rig, pointer + 300 * step)).toBe(0);
      expect(rig.dispatcher.counters.malformed).toBe(0);
    }
  });

  it('to a port empties memory upwards or downwards', () => {
    for (const backwards of [false, true]) {
      const rig = new Rig();
      const handler = recorder();
      rig.dispatcher.add('d.r', port({ size: 1 }), 0x10, handler);
      for (let i = 0; i < 64; i++) rig.guestMemory.write(0x1000 + i, 1, i);
      rig.dispatch(0x10, { size: 1, count: 64, write: 0, pointer: backwards ? 0x103f : 0x1000, backwards });
      const values = Array.from({ length: 64 }, (_, i) => (backwards ? 63 - i : i));
      expect(handler.calls).toEqual(values.map((value) => ['write', 0, 1, value]));
    }
  });

  it('of memory steps on both sides', () => {
    for (const backwards of [false, true]) {
      const rig = new Rig();
      const handler = recorder(0x40);
      rig.dispatcher.add('d.r', memory({ size: 0x100 }), 0xf000_0000, handler);
      const [first, pointer] = backwards ? [0xf000_000c, 0x200c] : [0xf000_0000, 0x2000];
      rig.dispatch(first, { ...mmio, count: 4, pointer, backwards });
      expect([0, 4, 8, 12].map((at) => rig.guestMemory.read(0x2000 + at, 4))).toEqual([0x40, 0x44, 0x48, 0x4c]);
      rig.dispatch(first, { ...mmio, size: 8, count: 2, pointer: 0x2000, write: 0, backwards });
      expect(handler.calls.slice(4, 6)).toEqual(
        backwards
          ? [
              ['write', 12, 4, 0x40],
              ['write', 16, 4, 0x44],
            ]
          : [
              ['write', 0, 4, 0x40],
              ['write', 4, 4, 0x44],
            ],
      );
    }
  });

  it('of one value stores it again and again, as REP STOS does', () => {
    const rig = new Rig();
    const handler = recorder();
    rig.dispatcher.add('d.r', memory({ size: 0x100 }), 0xf000_0000, handler);
    rig.dispatch(0xf000_0008, { ...mmio, size: 4, count: 3, write: 0xabcd, backwards: true });
    expect(handler.calls).toEqual([8, 4, 0].map((offset) => ['write', offset, 4, 0xabcd]));
  });

  it('of 8 bytes carries both halves', () => {
    const rig = new Rig();
    rig.dispatcher.add('d.r', memory({ size: 0x100 }), 0xf000_0000, recorder(0x100));
    rig.dispatch(0xf000_0000, { ...mmio, size: 8, count: 2, pointer: 0x1000 });
    expect([0, 4, 8, 12].map((at) => rig.guestMemory.read(0x1000 + at, 4))).toEqual([0x100, 0x104, 0x108, 0x10c]);
  });

  it('with a pointer of a single element goes through memory as well', () => {
    const rig = new Rig();
    rig.dispatcher.add('d.r', port({ size: 4 }), 0x500, recorder(0x1234));
    expect(rig.dispatch(0x500, { count: 1, pointer: 0x1ffe })).toBe(0x1234n);
    expect(rig.guestMemory.read(0x1ffe, 4)).toBe(0x1234);
  });

  it('leaves the region where it ends, and what is outside reads all ones', () => {
    const rig = new Rig();
    const handler = recorder(1);
    rig.dispatcher.add('d.r', memory({ size: 8 }), 0xf000_0000, handler);
    rig.dispatch(0xf000_0004, { ...mmio, size: 4, count: 3, pointer: 0x1000 });
    expect([0, 4, 8].map((at) => rig.guestMemory.read(0x1000 + at, 4))).toEqual([5, 0xffff_ffff, 0xffff_ffff]);
    expect(rig.dispatcher.counters.unclaimed).toBe(2);
  });

  it('reads all ones where the guest has no memory, and writes nothing there', () => {
    const rig = new Rig();
    const handler = recorder(7);
    rig.dispatcher.add('d.r', port({ size: 4 }), 0x500, handler);
    rig.dispatch(0x500, { size: 2, count: 2, write: 0, pointer: 0xfffe });
    expect(handler.calls).toEqual([
      ['write', 0, 2, 0],
      ['write', 0, 2, 0xffff],
    ]);
    rig.dispatch(0x500, { size: 2, count: 2, pointer: 0xfffe });
    expect(rig.guestMemory.read(0xfffe, 2)).toBe(7);
  });
});
