import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { bufferedSlots, ioreqState, ioreqType, requestBit } from '../abi/ioreq.ts';
import { serveCode, word } from '../server/request.ts';
import { readTrace, type TraceRecord } from '../trace/record.ts';
import { bufferedMode, type ServerHandle } from '../xen/addon.ts';
import { allOnes, fakeGuest, FakeXen, until } from './fake/fake-xen.ts';
import { ServingThread } from './fake/serving-thread.ts';

// A busy machine is no failure.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const xen = new FakeXen();
const { addon } = xen;
addon.open(fakeGuest.domid, fakeGuest.vcpus);
addon.startWatchdog(50);

/** A server with a ring that this thread serves: a call that finds nothing would wait for ever, so it is interrupted. */
class Rig {
  readonly server: ServerHandle;
  readonly id: number;
  readonly words: Uint32Array;
  static readonly #words = new Map<ServerHandle, Uint32Array>();

  constructor(mode: number, watched = false) {
    this.server = addon.createServer(mode);
    this.id = addon.serverId(this.server);
    addon.enableServer(this.server, watched);
    this.words = Rig.#words.get(this.server) ?? new Uint32Array(addon.requestWords(this.server));
    Rig.#words.set(this.server, this.words);
  }

  write(address: number, data: number | bigint = 0, size = 4, type: number = ioreqType.copy): void {
    xen.buffer(this.id, { type, address, data, size });
  }

  serve(): number {
    addon.bindServe(this.server)();
    return this.words[word.code] as number;
  }

  /** What is there, as addresses; `=` before that of a synchronous request. The handler's answer is taken at once. */
  drain(limit = 10_000): string[] {
    const seen: string[] = [];
    while (seen.length < limit) {
      addon.interruptServer(this.server);
      // The interruption comes first; a second call looks.
      expect(this.serve()).toBe(serveCode.interrupted);
      if (!this.hasWork) break;
      expect(this.serve()).toBe(serveCode.request);
      seen.push(`${this.isBuffered ? '' : '='}${this.words[word.addrLow]}`);
    }
    return seen;
  }

  get isBuffered(): boolean {
    return ((this.words[word.bits] as number) & requestBit.buffered) !== 0;
  }

  get hasWork(): boolean {
    const { read, write } = xen.ringPointers(this.id);
    const ready = Array.from({ length: fakeGuest.vcpus }, (_, vcpu) => xen.slot(this.id, vcpu).state);
    return read !== write || ready.includes(ioreqState.ready);
  }

  get trace(): TraceRecord[] {
    return readTrace(new Uint8Array(addon.readTrace(this.server)));
  }

  /** Moves both pointers while the ring is empty. */
  skipTo(pointer: number): void {
    xen.setRingPointers(this.id, pointer, pointer);
  }
}

let rig: Rig;
afterEach(() => {
  addon.closeServer(rig.server);
  expect(xen.held()).toMatchObject({ servers: 0, pages: 0, ports: 0 });
});

for (const mode of ['legacy', 'atomic'] as const) {
  describe(`a buffered ring, ${mode}`, () => {
    beforeEach(() => {
      rig = new Rig(bufferedMode[mode]);
    });

    it('hands its entries over in order; they need no answer, and make room when they are done', () => {
      for (let i = 0; i < 5; i++) rig.write(0xa0000 + i, 0x100 + i, 2);
      expect(rig.serve()).toBe(serveCode.request);
      expect([...rig.words.subarray(word.vcpu, word.size + 1)]).toEqual([
        ...[0, ioreqType.copy, requestBit.buffered, 0xa0000, 0, 0x100, 0, 1, 2],
      ]);
      const before = xen.ringPointers(rig.id);
      expect(before.write - before.read).toBe(5);
      expect(rig.drain()).toEqual(['655361', '655362', '655363', '655364']);
      const after = xen.ringPointers(rig.id);
      expect(after.read).toBe(after.write);
      expect(rig.trace).toMatchObject(
        [0, 1, 2, 3, 4].map((i) => ({ isBuffered: true, isRead: false, origin: 'handler', data: BigInt(0x100 + i) })),
      );
    });

    it('takes entries of 8 bytes from two slots, also where the ring ends', () => {
      rig.skipTo(bufferedSlots - 1);
      rig.write(0, 0x1122_3344_5566_7788n, 8, ioreqType.timeOffset);
      expect(rig.serve()).toBe(serveCode.request);
      expect([rig.words[word.type], rig.words[word.size]]).toEqual([ioreqType.timeOffset, 8]);
      expect([rig.words[word.dataLow], rig.words[word.dataHigh]]).toEqual([0x5566_7788, 0x1122_3344]);
      rig.write(7);
      expect(rig.drain()).toEqual(['7']);
      expect(rig.words[word.ringDamaged]).toBe(0);
    });

    it('is full with 511 slots, and empties', () => {
      for (let i = 0; i < bufferedSlots; i++) rig.write(i);
      expect(() => rig.write(0)).toThrow(expect.objectContaining({ code: 'EAGAIN' }) as Error);
      expect(rig.drain()).toEqual(Array.from({ length: bufferedSlots }, (_, i) => String(i)));
      rig.write(1);
      expect(rig.drain()).toEqual(['1']);
    });

    it('keeps the order through several times its length', () => {
      const expected: string[] = [];
      const seen: string[] = [];
      for (let i = 0; i < 2_000; i++) {
        const size = i % 7 === 0 ? 8 : 1;
        rig.write(i, i, size);
        expected.push(String(i));
        if (i % 50 === 0) seen.push(...rig.drain());
      }
      expect([...seen, ...rig.drain()]).toEqual(expected);
      const { read } = xen.ringPointers(rig.id);
      if (mode === 'atomic') expect(read).toBeLessThan(2 * bufferedSlots);
      else expect(read).toBe(2_000 + Math.ceil(2_000 / 7));
    });

    it('is drained before the request that came after', () => {
      for (let i = 0; i < 3; i++) rig.write(i);
      xen.post(rig.id, 1, { isRead: true, address: 100 });
      rig.write(3); // another vCPU's, later: need not come first
      const order = rig.drain();
      expect(order.slice(0, 3)).toEqual(['0', '1', '2']);
      expect(order.indexOf('=100')).toBeGreaterThan(2);
      expect([...order].sort()).toEqual(['0', '1', '2', '3', '=100'].sort());
      expect(xen.take(rig.id, 1)?.data).toBe(allOnes);
    });

    it('that a guest floods lets a request wait for one ring full at most', () => {
      for (let i = 0; i < bufferedSlots; i++) rig.write(i);
      xen.post(rig.id, 1, { isRead: true, address: 100 });
      let served = 0;
      do {
        expect(rig.serve()).toBe(serveCode.request);
        served++;
        // As many as have gone; those of the first call are still there.
        if (served > 1 && rig.isBuffered) rig.write(served);
      } while (rig.isBuffered && served < 2_000);
      expect(rig.isBuffered).toBe(false);
      expect(served).toBe(bufferedSlots + 1);
    });

    it('that says what cannot be is emptied once, and told of; nothing outside of it is read', () => {
      const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
      fc.assert(
        fc.property(u32, u32, (read, write) => {
          const damaged = rig.words[word.ringDamaged] as number;
          const used = (write - read) >>> 0;
          xen.setRingPointers(rig.id, read, write);
          xen.post(rig.id, 0, { isRead: true, address: 100 });
          const order = rig.drain();
          expect(order.at(-1)).toBe('=100');
          expect(order.length).toBeLessThanOrEqual(bufferedSlots + 1);
          expect(xen.take(rig.id, 0)).toBeDefined();
          if (used > bufferedSlots) expect(rig.words[word.ringDamaged]).toBeGreaterThan(damaged);
          rig.skipTo(0);
          rig.write(5);
          expect(rig.drain()).toEqual(['5']);
        }),
        { numRuns: 200 },
      );
    });

    it('that holds half an entry of 8 bytes goes on behind it', () => {
      rig.write(1, 1, 8);
      xen.setRingPointers(rig.id, 0, 1);
      addon.interruptServer(rig.server);
      rig.serve();
      xen.post(rig.id, 0, { address: 100 });
      expect(rig.serve()).toBe(serveCode.request);
      expect(rig.words[word.ringDamaged]).toBe(1);
      expect(xen.ringPointers(rig.id)).toEqual({ read: 1, write: 1 });
    });

    it('that is not empty in the end is told of, before what waits is answered', () => {
      for (let i = 0; i < 3; i++) rig.write(i);
      expect(rig.serve()).toBe(serveCode.request);
      xen.post(rig.id, 2, { isRead: true, address: 100 });
      addon.stopServer(rig.server);
      expect(rig.trace.map(({ address, origin }) => [Number(address), origin])).toEqual([
        [0, 'closing'],
        [1, 'closing'],
        [2, 'closing'],
        [100, 'closing'],
      ]);
      expect(xen.take(rig.id, 2)?.data).toBe(allOnes);
    });

    it('wakes the thread that waits', async () => {
      const thread = new ServingThread(xen, rig.server);
      for (let i = 0; i < 20; i++) {
        await xen.waiting(1);
        rig.write(i);
        await until(() => xen.ringPointers(rig.id).read === xen.ringPointers(rig.id).write);
      }
      await thread.stop();
      expect(rig.trace).toHaveLength(20);
    });

    it('loses and doubles nothing while both sides are at it', async () => {
      const thread = new ServingThread(xen, rig.server);
      let sent = 0;
      while (sent < 20_000) {
        try {
          rig.write(sent & 0xfffff, sent, sent % 5 === 0 ? 8 : 4);
          sent++;
        } catch (error) {
          expect(error).toMatchObject({ code: 'EAGAIN' });
        }
      }
      await until(() => xen.ringPointers(rig.id).read === xen.ringPointers(rig.id).write);
      await thread.stop();
      const { trace } = rig;
      expect(trace.at(-1)).toMatchObject({ sequence: sent - 1 });
      expect(trace.map(({ data }) => Number(data))).toEqual(trace.map(({ sequence }) => sequence));
    });
  });
}

describe('the pointers of a ring', () => {
  it('wrap at 2^32 in legacy mode, where the slot jumps', () => {
    rig = new Rig(bufferedMode.legacy);
    rig.skipTo(0xffff_fffe);
    for (let i = 0; i < 5; i++) rig.write(i);
    expect(rig.drain()).toEqual(['0', '1', '2', '3', '4']);
    expect(xen.ringPointers(rig.id)).toEqual({ read: 3, write: 3 });
    expect(rig.words[word.ringDamaged]).toBe(0);
  });

  it('are made small again by Xen in atomic mode, also while an entry is in hand', () => {
    rig = new Rig(bufferedMode.atomic);
    rig.skipTo(5 * bufferedSlots + 3);
    xen.setRingPointers(rig.id, 5 * bufferedSlots + 3, 5 * bufferedSlots + 3);
    rig.write(1);
    expect(xen.ringPointers(rig.id)).toEqual({ read: 3, write: 4 });
    xen.setRingPointers(rig.id, bufferedSlots + 3, bufferedSlots + 4);
    expect(rig.serve()).toBe(serveCode.request);
    rig.write(2); // subtracts while the first is being handled
    expect(xen.ringPointers(rig.id)).toEqual({ read: 3, write: 5 });
    expect(rig.drain()).toEqual(['2']);
    expect(xen.ringPointers(rig.id)).toEqual({ read: 5, write: 5 });
  });
});

describe('the watchdog over a ring', () => {
  it('takes the lane away from a handler that is stuck at an entry, and goes on emptying', async () => {
    rig = new Rig(bufferedMode.atomic, true);
    rig.write(1);
    rig.write(2);
    expect(rig.serve()).toBe(serveCode.request);
    await until(() => addon.watchdogFired(rig.server));
    await until(() => xen.ringPointers(rig.id).read === 2);
    rig.write(3);
    expect((await xen.access(rig.id, 0, { isRead: true, address: 4 })).data).toBe(allOnes);
    expect(rig.serve()).toBe(serveCode.displaced);
    expect(rig.trace.map(({ address, origin }) => [Number(address), origin])).toEqual(
      [1, 2, 3, 4].map((address) => [address, 'watchdog']),
    );
  });
});
