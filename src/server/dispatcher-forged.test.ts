import { expect, it, vi } from 'vitest';
import { memory, port, type AccessSize, type RegionHandler } from '../device/region.ts';
import { Dispatcher } from './dispatcher.ts';
import { FakeMemory } from './testing/fake-memory.ts';
import { GuestMemory } from './guest-memory.ts';
import { word } from './request.ts';

// A busy machine is no failure.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

/** Numbers that look random and are the same in every run (Marsaglia's xorshift). */
function* numbers(seed: number): Generator<number, never> {
  let state = seed;
  for (;;) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    yield state >>> 0;
  }
}

const requests = 200_000;
/** More than a frame's worth of elements never comes in one request; 8 bytes are two calls. */
const mostCalls = 2 * 4096;

it(`${requests} forged requests throw nothing, stay inside the regions, and end soon`, () => {
  const words = new Uint32Array(16);
  const ram = new FakeMemory(32);
  const dispatcher = new Dispatcher(words, new GuestMemory(ram));
  let calls = 0;
  const watch = (size: number, widths: readonly number[]): RegionHandler => {
    const check = (offset: number, width: number): void => {
      calls++;
      const isInside = Number.isInteger(offset) && offset >= 0 && offset + width <= size && widths.includes(width);
      if (!isInside) expect.fail(`an access of ${width} bytes at ${offset} of a region of ${size}`);
    };
    return {
      read: (offset: number, width: AccessSize) => (check(offset, width), offset),
      write: (offset: number, width: AccessSize, value: number) => {
        check(offset, width);
        if (!(Number.isInteger(value) && value >= 0 && value < 2 ** (8 * width))) expect.fail(`${value} written`);
      },
    };
  };
  const top = Number.MAX_SAFE_INTEGER;
  dispatcher.add('a.port', port({ size: 8 }), 0x500, watch(8, [1, 2, 4]));
  dispatcher.add('a.last', port({ size: 2, widths: [2] }), 0xfffe, watch(2, [2]));
  dispatcher.add('a.zero', memory({ size: 4 }), 0, watch(4, [1, 2, 4]));
  dispatcher.add('a.page', memory({ size: 4096 }), 0xf000_0000, watch(4096, [1, 2, 4]));
  dispatcher.add('a.high', memory({ size: 0x10_0000, widths: [1, 4] }), 0xf_0000_0000, watch(0x10_0000, [1, 4]));
  const aligned = { size: 16, widths: [1, 4, 8], alignment: 'natural' } as const;
  dispatcher.add('a.aligned', port(aligned), 0x520, { ...watch(16, [1, 4]), read8: () => undefined });
  dispatcher.place(dispatcher.declareFunction('a.pci', watch(256 + 3, [1, 2, 4])), 0x28);
  dispatcher.add('a.top', memory({ size: 64 }), top - 63, watch(64, [1, 2, 4]));

  const random = numbers(0x1234_5678);
  const next = (): number => random.next().value;
  const pick = (list: readonly number[]): number => list[next() % list.length] as number;
  const bases = [
    0,
    0x500,
    0xffff,
    0x520,
    0xf000_0000,
    0xf_0000_0000,
    top,
    2 ** 64 - 1,
    2 ** 32,
    0x1000,
    32 * 4096,
    0x28 * 2 ** 32 + 0x40,
  ];
  const counts = [0, 1, 1, 1, 1, 1, 2, 3, 7, 4097, 0x8000_0000, 0xffff_ffff];
  const address = (): number =>
    next() % 4 === 0 ? next() * 2 ** (next() % 33) : Math.max(0, pick(bases) + (next() % 64) - 32);
  for (let i = 0; i < requests; i++) {
    const at = BigInt(address()) & 0xffff_ffff_ffff_ffffn;
    const data = BigInt(address()) & 0xffff_ffff_ffff_ffffn;
    words[word.type] = next() % 8 === 0 ? next() % 256 : next() % 3;
    words[word.bits] = next() % 8;
    words[word.size] = next() % 8 === 0 ? next() : pick([1, 2, 4, 8]);
    words[word.count] = next() % 1_000 === 0 ? 4096 : next() % 20 === 0 ? next() : pick(counts);
    words[word.addrLow] = Number(at & 0xffff_ffffn);
    words[word.addrHigh] = Number(at >> 32n);
    words[word.dataLow] = Number(data & 0xffff_ffffn);
    words[word.dataHigh] = Number(data >> 32n);
    const [callsBefore, mapsBefore] = [calls, ram.maps];
    dispatcher.dispatch();
    if (calls - callsBefore > mostCalls) expect.fail(`${calls - callsBefore} calls for one request`);
    // 4096 elements of 8 bytes lie in 9 frames at most.
    if (ram.maps - mapsBefore > 9) expect.fail(`${ram.maps - mapsBefore} frames mapped for one request`);
  }
  // All of them were of some use to the test.
  expect(calls).toBeGreaterThan(10_000);
  const { undecoded, ...counters } = dispatcher.counters;
  for (const [what, count] of Object.entries(counters)) expect(count, what).toBeGreaterThan(100);
  expect(undecoded).toBe(0);
  expect(ram.mapped).toBeLessThanOrEqual(32);
});
