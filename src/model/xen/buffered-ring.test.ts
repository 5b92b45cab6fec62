import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { BufferedPage } from '../../abi/buffered-page.ts';
import { bufferedSlots, frameBytes } from '../../abi/ioreq.ts';
import type { Ioreq } from '../../abi/ioreq-slot.ts';
import { type BufferedEntry, bufferedMode, sendBuffered, takeBuffered } from './buffered-ring.ts';

// A busy machine is no failure.
vi.setConfig({ testTimeout: 120_000 });

const request = (data: bigint, size = 4, addr = 0xa0000n): Ioreq => ({
  ...{ type: 1, addr, data, size, count: 1, isRead: false, dataIsPointer: false, backwards: false },
});
const sizes = [1, 2, 4, 8];

/** More slots than a property's turns can fill. */
const margin = 8_000;

/** Where the pointers are when a device model begins: anywhere, or near a multiple of 511. */
const pointer = (max: number) =>
  fc.oneof(
    fc.integer({ min: 0, max }),
    fc.integer({ min: max - 1200, max }),
    fc
      .tuple(fc.integer({ min: 1, max: Math.floor(max / bufferedSlots) - 1 }), fc.integer({ min: -3, max: 3 }))
      .map(([n, offset]) => n * bufferedSlots + offset),
  );

const turn = fc.oneof(
  fc.record({ send: fc.constantFrom(...sizes), times: fc.integer({ min: 1, max: 300 }) }),
  fc.record({ take: fc.integer({ min: 1, max: 600 }) }),
);
type Turn = typeof turn extends fc.Arbitrary<infer T> ? T : never;

/** Sends and takes as the turns say; throws when what comes out is not what went in, in its order. */
function play(page: BufferedPage, mode: number, turns: readonly Turn[]): void {
  const waiting: { readonly data: bigint; readonly size: number }[] = [];
  let used = 0;
  let count = 0n;
  const fail = (what: string): never => {
    throw new Error(`${what}: read ${page.readPointer}, write ${page.writePointer}, ${used} slots used`);
  };
  for (const turn of turns) {
    if ('take' in turn) {
      for (let i = 0; i < turn.take; i++) {
        const entry = takeBuffered(page);
        const expected = waiting.shift();
        if (entry?.data !== expected?.data || entry?.size !== expected?.size) fail('another entry');
        used -= expected === undefined ? 0 : expected.size === 8 ? 2 : 1;
      }
      continue;
    }
    for (let i = 0; i < turn.times; i++) {
      const data = BigInt.asUintN(turn.send * 8, (++count << 33n) | (count * 2_654_435_761n));
      const slots = turn.send === 8 ? 2 : 1;
      const isRoom = used + slots <= bufferedSlots;
      if (sendBuffered(page, request(data, turn.send), mode, true) !== (isRoom ? 'buffered' : 'refused')) fail('room');
      if (!isRoom) continue;
      used += slots;
      waiting.push({ data, size: turn.send });
    }
    if (page.used !== used) fail('other slots used');
    if (mode === bufferedMode.atomic && page.readPointer >= bufferedSlots) fail('not canonical');
  }
}

function pageAt(start: number): BufferedPage {
  const page = new BufferedPage(new ArrayBuffer(frameBytes));
  page.readPointer = start;
  page.writePointer = start;
  return page;
}

describe('the ring', () => {
  it('in LEGACY mode neither loses nor reorders until its pointers wrap', () => {
    const start = pointer(2 ** 32 - margin);
    fc.assert(
      fc.property(start, fc.array(turn, { maxLength: 12 }), (at, turns) =>
        play(pageAt(at), bufferedMode.legacy, turns),
      ),
    );
  });

  it('in LEGACY mode loses what is in it when its pointers wrap: 2^32 is 32 more than a multiple of 511', () => {
    const page = pageAt(2 ** 32 - 32);
    const at = [...Array.from({ length: 64 }).keys()].map(BigInt);
    for (const data of at) expect(sendBuffered(page, request(data), bufferedMode.legacy, true)).toBe('buffered');
    // The last 32 went over the first 32, in the same slots.
    const expected = [...at.slice(32), ...at.slice(32)];
    expect(at.map(() => takeBuffered(page)?.data)).toEqual(expected);
  });

  it('in LEGACY mode loses nothing at the wrap when each entry is taken at once', () => {
    const page = pageAt(2 ** 32 - 40);
    play(
      page,
      bufferedMode.legacy,
      Array.from({ length: 80 }).flatMap(() => [{ send: 4, times: 1 }, { take: 1 }]),
    );
    expect(page.writePointer).toBe(40);
  });

  it('in ATOMIC mode neither loses nor reorders, wherever its pointers begin', () => {
    // But for an entry of two slots with the wrap between them, which Xen's own pointers never reach.
    const start = pointer(2 ** 32 - 2);
    fc.assert(
      fc.property(start, fc.array(turn, { maxLength: 12 }), (at, turns) =>
        play(pageAt(at), bufferedMode.atomic, turns),
      ),
    );
  });
});

for (const [name, mode] of [
  ['LEGACY', bufferedMode.legacy],
  ['ATOMIC', bufferedMode.atomic],
] as const) {
  describe(`the ring, ${name}`, () => {
    it('is full with 511 entries, or when two slots are wanted and one is left', () => {
      const page = new BufferedPage(new ArrayBuffer(frameBytes));
      for (let i = 0; i < bufferedSlots - 1; i++) expect(sendBuffered(page, request(1n), mode, true)).toBe('buffered');
      expect(sendBuffered(page, request(1n, 8), mode, true)).toBe('refused');
      expect(sendBuffered(page, request(1n), mode, true)).toBe('buffered');
      expect(sendBuffered(page, request(1n), mode, true)).toBe('refused');
    });

    it('is never written outside of its slots, whatever the device model made of the pointers', () => {
      fc.assert(
        fc.property(
          fc.integer({ min: 0, max: 2 ** 32 - 1 }),
          fc.integer({ min: 0, max: 2 ** 32 - 1 }),
          (read, write) => {
            const page = new BufferedPage(new ArrayBuffer(frameBytes));
            page.readPointer = read;
            page.writePointer = write;
            const outcome = sendBuffered(page, request(5n), mode, true);
            expect(outcome).toBe((write - read) >>> 0 >= bufferedSlots ? 'refused' : 'buffered');
          },
        ),
      );
    });
  });
}

describe('what the ring cannot hold', () => {
  const page = (): BufferedPage => new BufferedPage(new ArrayBuffer(frameBytes));
  const unfit: readonly Ioreq[] = [
    request(1n, 4, 0x10_0000n),
    { ...request(1n), dataIsPointer: true },
    { ...request(1n), count: 2 },
  ];

  it('is refused, or with an older Xen lost', () => {
    for (const one of unfit) {
      expect(sendBuffered(page(), one, bufferedMode.atomic, true)).toBe('refused');
      const older = page();
      expect(sendBuffered(older, one, bufferedMode.atomic, false)).toBe('dropped');
      expect(older.used).toBe(0);
    }
  });

  it('of a size that nothing has is refused by all', () => {
    expect(sendBuffered(page(), request(1n, 3), bufferedMode.atomic, false)).toBe('refused');
  });

  it('leaves the highest address', () => {
    const one = page();
    sendBuffered(one, request(0xffn, 1, 0xfffffn), bufferedMode.legacy, true);
    expect(takeBuffered(one) satisfies BufferedEntry | undefined).toEqual({
      ...{ type: 1, isRead: false, size: 1, addr: 0xfffff, data: 0xffn },
    });
  });
});
