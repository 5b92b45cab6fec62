import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ioreqState, ioreqType } from '../abi/ioreq.ts';
import { serveCode, word } from '../server/request.ts';
import { waitingMode, type ServerHandle } from '../xen/addon.ts';
import { allOnes, fakeGuest, FakeXen, type IoRequest } from './fake/fake-xen.ts';

const xen = new FakeXen();
const { addon } = xen;
addon.open(fakeGuest.domid, fakeGuest.vcpus);

// This thread serves, so a call that finds neither a request nor an interruption would wait for ever.
let server: ServerHandle;
let id: number;
let words: Uint32Array;
let serve: () => number;
const shared = new Map<ServerHandle, Uint32Array>();

beforeEach(() => {
  server = addon.createServer();
  id = addon.serverId(server);
  addon.enableServer(server, false);
  words = shared.get(server) ?? new Uint32Array(addon.requestWords(server));
  shared.set(server, words);
  serve = () => {
    addon.bindServe(server)();
    return words[word.code] as number;
  };
});
afterEach(() => addon.closeServer(server));

/** Gives the answer, and makes sure that nothing else is taken. */
function finish(low: number, high = 0): void {
  words[word.answerLow] = low;
  words[word.answerHigh] = high;
  addon.interruptServer(server);
  expect(serve()).toBe(serveCode.interrupted);
}

describe('serving', () => {
  it('hands a request over and gives the answer back', () => {
    xen.post(id, 3, { isRead: true, size: 2, address: 0x1f0 });
    expect(serve()).toBe(serveCode.request);
    expect([...words.subarray(word.vcpu, word.size + 1)]).toEqual([3, ioreqType.pio, 1, 0x1f0, 0, 0, 0, 1, 2]);
    expect(xen.slot(id, 3).state).toBe(ioreqState.inProcess);
    expect(xen.take(id, 3)).toBeUndefined();
    finish(0xabcd);
    expect(xen.take(id, 3)).toMatchObject({ data: 0xabcdn, state: ioreqState.responseReady });
  });

  it('answers with all ones unless the handler says otherwise', () => {
    xen.post(id, 0, { isRead: true, address: 0x80 });
    serve();
    addon.interruptServer(server);
    serve();
    expect(xen.take(id, 0)?.data).toBe(allOnes);
  });

  const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
  const u64 = fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn });
  const requests = fc.record({
    type: fc.integer({ min: 0, max: 255 }),
    isRead: fc.boolean(),
    dataIsPointer: fc.boolean(),
    backwards: fc.boolean(),
    size: u32,
    count: u32,
    address: u64,
    data: u64,
  });

  it('copies every field, and leaves all but the state and the data of a direct read as they were', () => {
    fc.assert(
      fc.property(requests, fc.integer({ min: 0, max: fakeGuest.vcpus - 1 }), u32, u32, (request, vcpu, low, high) => {
        xen.post(id, vcpu, request);
        expect(serve()).toBe(serveCode.request);
        const bits = Number(request.isRead) | (Number(request.dataIsPointer) << 1) | (Number(request.backwards) << 2);
        const half = (value: bigint): number[] => [Number(value & 0xffff_ffffn), Number(value >> 32n)];
        expect([...words.subarray(word.vcpu, word.size + 1)]).toEqual([
          ...[vcpu, request.type, bits],
          ...half(request.address),
          ...half(request.data),
          ...[request.count, request.size],
        ]);
        finish(low, high);
        const isAnswered = request.isRead && !request.dataIsPointer;
        const data = isAnswered ? (BigInt(high) << 32n) | BigInt(low) : request.data;
        expect(xen.take(id, vcpu)).toEqual({ ...request, data, state: ioreqState.responseReady });
      }),
      { numRuns: 1_000 },
    );
  });

  it('starves no vCPU', () => {
    const request: IoRequest = { address: 0x80 };
    for (const vcpu of [0, 1, 5]) xen.post(id, vcpu, request);
    const order: number[] = [];
    for (let i = 0; i < 9; i++) {
      serve();
      const vcpu = words[word.vcpu] as number;
      const last = order.at(-1);
      order.push(vcpu);
      // Who was answered asks again at once.
      if (last !== undefined) {
        expect(xen.take(id, last)).toBeDefined();
        xen.post(id, last, request);
      }
    }
    expect(order).toEqual([0, 1, 5, 0, 1, 5, 0, 1, 5]);
  });

  it('does not wait for events while it spins', () => {
    addon.setWaiting(server, waitingMode.spin, Number.MAX_SAFE_INTEGER);
    const waits = xen.calls('xenevtchn_pending');
    for (let i = 0; i < 20; i++) {
      xen.post(id, i % fakeGuest.vcpus, { isRead: true, address: i });
      expect(serve()).toBe(serveCode.request);
      expect(words[word.addrLow]).toBe(i);
      finish(i);
      expect(xen.take(id, i % fakeGuest.vcpus)?.data).toBe(BigInt(i));
    }
    expect(xen.calls('xenevtchn_pending')).toBe(waits);
  });

  it('keeps servers apart', () => {
    const other = addon.createServer();
    const otherId = addon.serverId(other);
    expect(otherId).not.toBe(id);
    addon.enableServer(other, false);
    const otherWords = shared.get(other) ?? new Uint32Array(addon.requestWords(other));
    shared.set(other, otherWords);
    xen.post(id, 0, { isRead: true, address: 1 });
    xen.post(otherId, 0, { isRead: true, address: 2 });
    addon.bindServe(other)();
    serve();
    expect([words[word.addrLow], otherWords[word.addrLow]]).toEqual([1, 2]);
    finish(0x11);
    expect(xen.take(id, 0)?.data).toBe(0x11n);
    expect(xen.take(otherId, 0)).toBeUndefined();
    otherWords[word.answerLow] = 0x22;
    otherWords[word.answerHigh] = 0;
    addon.closeServer(other);
    // Whether it was the handler's or not, closing answers with all ones.
    expect(xen.take(otherId, 0)?.data).toBe(allOnes);
  });

  it('says which call failed when waiting fails', () => {
    xen.failNext('xenevtchn_pending', 5);
    expect(serve()).toBe(serveCode.failed);
    expect(words[word.answerLow]).toBe(5);
  });
});
