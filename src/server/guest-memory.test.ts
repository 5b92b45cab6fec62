import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { frameBytes } from '../abi/ioreq.ts';
import { GuestMemory, type FrameMapper } from './guest-memory.ts';
import { FakeMemory } from './testing/fake-memory.ts';

const frames = 8;
const end = frames * frameBytes;

const mapperOf = (ram: FakeMemory): FrameMapper => ({
  mapMemory: (gfn, count) => ram.mapMemory(gfn, count),
  unmapMemory: (buffer) => ram.unmapMemory(buffer),
  modifiedMemory: (frames, count) => ram.modifiedMemory(frames, count),
});

describe('guest memory', () => {
  it('is what was written to it, at whatever address and width, across frames', () => {
    const ram = new FakeMemory(frames);
    const memory = new GuestMemory(ram);
    const model = new Uint8Array(end);
    const nearEdges = fc.tuple(fc.integer({ min: 1, max: frames - 1 }), fc.integer({ min: -6, max: 6 }));
    const address = fc.oneof(
      fc.nat({ max: end - 8 }),
      nearEdges.map(([frame, offset]) => frame * frameBytes + offset),
    );
    const step = fc.oneof(
      fc.record({
        do: fc.constant('write' as const),
        address,
        size: fc.constantFrom(1, 2, 4),
        value: fc.nat(0xffff_ffff),
      }),
      fc.record({ do: fc.constant('bytes' as const), address, length: fc.nat({ max: 2 * frameBytes }) }),
      fc.record({ do: fc.constant('drop' as const) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), address, fc.constantFrom(1, 2, 4), (steps, at, size) => {
        for (const one of steps) {
          if (one.do === 'drop') memory.drop();
          else if (one.do === 'bytes') {
            const length = Math.min(one.length, end - one.address);
            const bytes = Uint8Array.from({ length }, (_, i) => i * 7 + one.length);
            memory.writeBytes(one.address, bytes);
            model.set(bytes, one.address);
          } else {
            memory.write(one.address, one.size, one.value);
            for (let i = 0; i < one.size; i++) model[one.address + i] = (one.value >>> (8 * i)) & 0xff;
          }
        }
        let expected = 0;
        for (let i = size - 1; i >= 0; i--) expected = expected * 256 + (model[at + i] as number);
        expect(memory.read(at, size)).toBe(expected);
        const length = Math.min(end - at, 5000);
        // Buffer.compare: toEqual takes long for so many elements.
        expect(Buffer.compare(memory.readBytes(at, length), model.subarray(at, at + length))).toBe(0);
      }),
      { numRuns: 200 },
    );
    expect(Buffer.compare(ram.bytes(0, end), model)).toBe(0);
    expect(memory.misses).toBe(0);
  });

  it('reads all ones where there is none, ignores writes, and counts both', () => {
    const memory = new GuestMemory(new FakeMemory(1));
    expect([1, 2, 4].map((size) => memory.read(frameBytes, size))).toEqual([0xff, 0xffff, 0xffff_ffff]);
    memory.write(frameBytes, 4, 7);
    expect(memory.misses).toBe(4);
    memory.write(frameBytes - 2, 4, 0x4433_2211);
    expect(memory.read(frameBytes - 2, 4)).toBe(0xffff_2211);
  });

  it('reads all ones and writes nothing where a stretch has none', () => {
    const memory = new GuestMemory(new FakeMemory(1));
    memory.writeBytes(frameBytes - 2, Uint8Array.of(1, 2, 3, 4));
    expect(memory.readBytes(frameBytes - 3, 5)).toEqual(Uint8Array.of(0, 1, 2, 0xff, 0xff));
    expect(memory.misses).toBe(2);
    const bytes = new Uint8Array(3);
    memory.readInto(frameBytes - 2, bytes.subarray(1));
    expect(bytes).toEqual(Uint8Array.of(0, 1, 2));
  });

  it('that has to be there and is not is an error', () => {
    const memory = new GuestMemory(new FakeMemory(1));
    expect(() => memory.readExisting(frameBytes - 8, 16)).toThrow('the guest has no memory at 0x1000');
    expect(() => memory.writeExisting(5 * frameBytes, new Uint8Array(1))).toThrow('0x5000');
    expect(memory.readExisting(5 * frameBytes, 0)).toEqual(new Uint8Array());
  });

  it('that was written is told, each run of writes to a frame once, and only when asked', () => {
    const ram = new FakeMemory(4);
    const memory = new GuestMemory(ram);
    memory.read(0, 4);
    expect(memory.hasModified).toBe(false);
    for (let at = 0; at < 64; at += 4) memory.write(at, 4, 1);
    memory.write(frameBytes - 1, 2, 0x1234);
    memory.write(9 * frameBytes, 4, 1);
    memory.writeBytes(2 * frameBytes - 1, new Uint8Array(frameBytes + 2));
    expect([memory.hasModified, ram.modified]).toEqual([true, []]);
    memory.tellModified();
    memory.tellModified();
    expect([memory.hasModified, ram.modified]).toEqual([false, [[0, 1, 2, 3]]]);
    memory.writeExisting(0, new Uint8Array(1));
    memory.write(frameBytes, 1, 0);
    memory.drop();
    expect(ram.modified.slice(1)).toEqual([[0], [1]]);
  });

  it('that was written in many places is told in parts', () => {
    const ram = new FakeMemory(2);
    const memory = new GuestMemory(ram);
    for (let i = 0; i < 1_000; i++) memory.write((i % 2) * frameBytes, 4, i);
    memory.tellModified();
    expect(ram.modified.map((frames) => frames.length)).toEqual([256, 256, 256, 232]);
  });

  it('is written although Xen does not want to hear of it', () => {
    const ram = new FakeMemory(1);
    const refuse = (): never => {
      throw new Error('ESRCH');
    };
    const memory = new GuestMemory({ ...mapperOf(ram), modifiedMemory: refuse });
    memory.write(0, 4, 5);
    memory.tellModified();
    expect([memory.read(0, 4), memory.untold, memory.hasModified]).toEqual([5, 1, false]);
  });

  it('looks again for memory that was not there, except within one repeated access', () => {
    const ram = new FakeMemory(1);
    const memory = new GuestMemory(ram);
    for (let i = 0; i < 3; i++) memory.read(frameBytes, 4);
    expect(ram.maps).toBe(3);
    memory.isRepeating = true;
    for (let i = 0; i < 9; i++) memory.read(frameBytes + i * 4, 4);
    expect([ram.maps, memory.misses]).toEqual([4, 12]);
    memory.isRepeating = false;
    memory.read(frameBytes, 4);
    expect(ram.maps).toBe(5);
  });

  it('keeps no more than 1024 frames mapped', () => {
    const ram = new FakeMemory(1_100);
    const memory = new GuestMemory(ram);
    for (let gfn = 0; gfn < 1_100; gfn++) memory.write(gfn * frameBytes, 4, gfn);
    expect(ram.most).toBe(1024);
    for (let gfn = 0; gfn < 1_100; gfn += 99) expect(memory.read(gfn * frameBytes, 4)).toBe(gfn);
    memory.drop();
    expect(ram.mapped).toBe(0);
    expect(memory.read(7 * frameBytes, 4)).toBe(7);
  });

  it('is usable after a mapping could not be given back', () => {
    const ram = new FakeMemory(2);
    const memory = new GuestMemory({
      ...mapperOf(ram),
      unmapMemory: () => {
        throw new Error('munmap failed');
      },
    });
    memory.write(0, 4, 5);
    expect(() => memory.drop()).toThrow('munmap failed');
    memory.write(4, 4, 6);
    expect(memory.read(4, 4)).toBe(6);
  });
});
