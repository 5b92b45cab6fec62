import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { serveCode, word } from '../server/request.ts';
import { readTrace, type TraceRecord } from '../trace/record.ts';
import type { ServerHandle } from '../xen/addon.ts';
import { allOnes, fakeGuest, FakeXen } from './fake/fake-xen.ts';

// A busy machine is no failure.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const xen = new FakeXen();
const { addon } = xen;
addon.open(fakeGuest.domid, fakeGuest.vcpus);
/** TRACE_RECORDS of src/native/trace.h. */
const ringRecords = 16_384;

let server: ServerHandle;
let id: number;
beforeEach(() => {
  server = addon.createServer();
  id = addon.serverId(server);
  addon.enableServer(server, false);
});
afterEach(() => addon.closeServer(server));

const trace = (): TraceRecord[] => readTrace(new Uint8Array(addon.readTrace(server)));

describe('the flight recorder', () => {
  it('is empty at first', () => {
    expect(trace()).toEqual([]);
  });

  it('stays as it is when recording has stopped, and requests are answered as before', () => {
    const words = new Uint32Array(addon.requestWords(server));
    const next = addon.bindServe(server);
    const ask = (): void => {
      xen.post(id, 0, { isRead: true, size: 4, address: 0x5000, data: 0 });
      next();
      if (words[word.code] !== serveCode.request) throw new Error('no request');
      words[word.answerLow] = 77;
      words[word.answerHigh] = 0;
      addon.interruptServer(server);
      next();
      expect(xen.take(id, 0)).toBeDefined();
    };
    ask();
    addon.stopRecording(server);
    ask();
    ask();
    expect(trace()).toHaveLength(1);
  });

  it('keeps what Xen sent, what was answered and when, and at last wraps', () => {
    const words = new Uint32Array(addon.requestWords(server));
    const next = addon.bindServe(server);
    const extra = 100;
    for (let i = 0; i < ringRecords + extra; i++) {
      xen.post(id, i % 3, { isRead: i % 2 === 0, size: 1 << (i % 3), address: 0x1_0000_0000 + i, data: 1000 + i });
      next();
      if (words[word.code] !== serveCode.request) throw new Error('no request');
      words[word.answerLow] = i;
      words[word.answerHigh] = 0x55;
      addon.interruptServer(server);
      next();
      if (xen.take(id, i % 3) === undefined) throw new Error('no answer');
    }
    const records = trace();
    expect(records).toHaveLength(ringRecords);
    records.forEach((record, at) => {
      const i = at + extra;
      const isRead = i % 2 === 0;
      const expected: Partial<TraceRecord> = {
        ...{ sequence: i, vcpu: i % 3, type: 0, isRead, dataIsPointer: false, backwards: false, count: 1 },
        ...{ size: 1 << (i % 3), address: 0x1_0000_0000n + BigInt(i), data: 1000n + BigInt(i), origin: 'handler' },
        answer: isRead ? (0x55n << 32n) | BigInt(i) : 1000n + BigInt(i),
      };
      for (const key of Object.keys(expected) as (keyof TraceRecord)[]) {
        if (record[key] !== expected[key]) expect(record).toMatchObject(expected);
      }
      if (record.takenAt > record.answeredAt || (at > 0 && record.takenAt < (records[at - 1]?.answeredAt ?? 0n))) {
        expect.fail(`record ${at} is out of order`);
      }
    });
  });

  it('keeps a pointer and its direction as they came', async () => {
    addon.startReference(server, Uint16Array.of(0x500));
    const request = { dataIsPointer: true, backwards: true, count: 9, address: 0x777, data: 0xabc0_0000_0000n };
    await xen.access(id, 0, request);
    await xen.access(id, 0, { ...request, isRead: true });
    await xen.access(id, 0, { isRead: true, address: 0x777 });
    const common = { dataIsPointer: true, backwards: true, count: 9, data: 0xabc0_0000_0000n };
    expect(trace()).toMatchObject([
      { ...common, isRead: false, answer: common.data },
      { ...common, isRead: true, answer: common.data },
      { dataIsPointer: false, backwards: false, count: 1, answer: allOnes },
    ]);
  });

  it('holds what the orderly end answered, too', async () => {
    addon.startReference(server, Uint16Array.of(0x500));
    await xen.access(id, 0, { address: 0x500, data: 9 });
    addon.stopServer(server);
    expect(trace()).toMatchObject([{ sequence: 0, origin: 'handler', data: 9n }]);

    const other = addon.createServer();
    addon.enableServer(other, false);
    xen.post(addon.serverId(other), 6, { isRead: true, address: 0x600 });
    addon.stopServer(other);
    const left = readTrace(new Uint8Array(addon.readTrace(other)));
    expect(left).toMatchObject([{ sequence: 0, vcpu: 6, address: 0x600n, origin: 'closing', answer: allOnes }]);
    expect(() => xen.post(addon.serverId(other), 6, { address: 0x600 })).toThrow(
      expect.objectContaining({ code: 'ENOENT' }) as Error,
    );
    expect(() => addon.enableServer(other, false)).toThrow(TypeError);
    addon.closeServer(other);
  });
});
