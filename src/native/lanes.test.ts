import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { serveCode, word } from '../server/request.ts';
import { readTrace } from '../trace/record.ts';
import { bufferedMode, waitingMode, type ServerHandle } from '../xen/addon.ts';
import { allOnes, fakeGuest, FakeXen, until } from './fake/fake-xen.ts';
import { ServingThread } from './fake/serving-thread.ts';

// A busy machine is no failure.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const xen = new FakeXen();
const { addon } = xen;
addon.open(fakeGuest.domid, fakeGuest.vcpus);
addon.startWatchdog(50);

let server: ServerHandle;
let id: number;
beforeEach(() => {
  server = addon.createServer(bufferedMode.off, true);
  id = addon.serverId(server);
  addon.enableServer(server, true);
});
afterEach(() => {
  addon.closeServer(server);
  expect(xen.held()).toMatchObject({ handles: 2, servers: 0, pages: 0, ports: 0 });
});

const trace = (): ReturnType<typeof readTrace> => readTrace(new Uint8Array(addon.readTrace(server)));

describe('a server with a lane for each vCPU', () => {
  it('has one event channel handle for each, and two channels to wake its thread', () => {
    expect(addon.laneCount(server)).toBe(fakeGuest.vcpus);
    expect(xen.held()).toMatchObject({ handles: 2 + fakeGuest.vcpus, ports: 3 * fakeGuest.vcpus });
    const one = addon.createServer();
    expect(addon.laneCount(one)).toBe(1);
    addon.closeServer(one);
  });

  it('serves each vCPU in its own thread, and no other in it', async () => {
    const threads = [1, 4].map((lane) => new ServingThread(xen, server, lane));
    await xen.waiting(2);
    expect((await xen.access(id, 4, { isRead: true, address: 0x10 })).data).toBe(0x11n);
    expect((await xen.access(id, 1, { isRead: true, address: 0x20 })).data).toBe(0x21n);
    xen.post(id, 2, { isRead: true, address: 0x30 });
    for (const thread of threads) await thread.stop();
    expect(xen.take(id, 2)).toBeUndefined();
    addon.stopServer(server);
    expect(xen.take(id, 2)?.data).toBe(allOnes);
    expect(trace().map(({ vcpu, origin, sequence }) => [vcpu, origin, sequence])).toEqual([
      [4, 'handler', 0],
      [1, 'handler', 1],
      [2, 'closing', 2],
    ]);
  });

  it('gives one trace, in the order of taking', async () => {
    const lanes = [0, 3, 7];
    const threads = lanes.map((lane) => new ServingThread(xen, server, lane));
    await Promise.all(
      lanes.map(async (vcpu) => {
        for (let i = 0; i < 200; i++) await xen.access(id, vcpu, { isRead: true, address: i });
      }),
    );
    for (const thread of threads) await thread.stop();
    const records = trace();
    expect(records.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 600 }, (_, i) => i));
    records.reduce((before, record) => {
      expect(record.takenAt).toBeGreaterThanOrEqual(before);
      return record.takenAt;
    }, 0n);
    for (const lane of lanes) {
      const own = records.filter(({ vcpu }) => vcpu === lane).map(({ address }) => Number(address));
      expect(own).toEqual(Array.from({ length: 200 }, (_, i) => i));
    }
  });

  it('loses only the lane whose handler is stuck', async () => {
    const thread = new ServingThread(xen, server, 5);
    xen.post(id, 2, { isRead: true, address: 1 });
    const words = new Uint32Array(addon.requestWords(server, 2));
    addon.bindServe(server, 2)();
    expect(words[word.code]).toBe(serveCode.request);
    await until(() => addon.watchdogFired(server));
    expect([2, 5, 0].map((lane) => addon.watchdogFired(server, lane))).toEqual([true, false, false]);
    await until(() => xen.take(id, 2)?.data === allOnes);
    expect((await xen.access(id, 2, { isRead: true, address: 2 })).data).toBe(allOnes);
    expect((await xen.access(id, 5, { isRead: true, address: 2 })).data).toBe(3n);
    addon.bindServe(server, 2)();
    expect(words[word.code]).toBe(serveCode.displaced);
    await thread.stop();
  });

  it('interrupts all, and changes how all wait', async () => {
    addon.setWaiting(server, waitingMode.spin, Number.MAX_SAFE_INTEGER);
    const waits = xen.calls('xenevtchn_pending');
    const threads = [0, 1].map((lane) => new ServingThread(xen, server, lane));
    await xen.access(id, 0, { address: 1 });
    await xen.access(id, 1, { address: 1 });
    expect(xen.calls('xenevtchn_pending')).toBe(waits);
    addon.setWaiting(server, waitingMode.block, 0);
    addon.interruptServer(server);
    await xen.waiting(2);
    for (const thread of threads) await thread.stop();
  });

  it('has a yardstick for each lane, over the same registers', async () => {
    addon.startReference(server, Uint16Array.of(0x500), Float64Array.of(0xf000_0000));
    await xen.access(id, 0, { address: 0x500, data: 0x77 });
    expect((await xen.access(id, 6, { isRead: true, address: 0x500 })).data).toBe(0x77n);
  });

  it('is not one that the control port can have', () => {
    expect(() => addon.watchControl(server, () => undefined)).toThrow(/one lane/);
  });
});
