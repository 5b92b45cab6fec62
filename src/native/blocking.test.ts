import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ioreqState } from '../abi/ioreq.ts';
import { serveCode } from '../server/request.ts';
import { readTrace } from '../trace/record.ts';
import { waitingMode, type ServerHandle } from '../xen/addon.ts';
import { fakeGuest, FakeXen, until } from './fake/fake-xen.ts';
import { ServingThread } from './fake/serving-thread.ts';

// A busy machine is no failure.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const xen = new FakeXen();
const { addon } = xen;
addon.open(fakeGuest.domid, fakeGuest.vcpus);
const [EINTR, EIO] = [4, 5];

let server: ServerHandle;
let id: number;
beforeEach(() => {
  server = addon.createServer();
  id = addon.serverId(server);
  addon.enableServer(server, false);
});
afterEach(() => addon.closeServer(server));

describe('a thread that waits for requests', () => {
  it('is woken by a request, and by nothing else', async () => {
    const thread = new ServingThread(xen, server);
    await xen.waiting(1);
    for (const vcpu of [1, 1, 7]) {
      const unmasked = xen.calls('xenevtchn_unmask');
      xen.sendEvent(id, vcpu);
      await until(() => xen.calls('xenevtchn_unmask') > unmasked);
    }
    await xen.waiting(1);
    expect(xen.slot(id, 1).state).toBe(ioreqState.none);
    expect((await xen.access(id, 2, { isRead: true, address: 0x61 })).data).toBe(0x62n);
    await thread.stop();
    expect(thread.said.map(({ code }) => code)).toEqual([serveCode.interrupted]);
    expect(readTrace(new Uint8Array(addon.readTrace(server)))).toHaveLength(1);
  });

  it('comes back when it is interrupted, every time', async () => {
    const thread = new ServingThread(xen, server);
    for (let times = 1; times <= 5; times++) {
      await xen.waiting(1);
      addon.interruptServer(server);
      await until(() => thread.said.length === times);
    }
    await thread.stop();
    expect(thread.said.every(({ code }) => code === serveCode.interrupted)).toBe(true);
  });

  it('comes back when it is interrupted while it spins', async () => {
    addon.setWaiting(server, waitingMode.spin, Number.MAX_SAFE_INTEGER);
    const waits = xen.calls('xenevtchn_pending');
    const thread = new ServingThread(xen, server);
    expect((await xen.access(id, 0, { isRead: true, address: 0x10 })).data).toBe(0x11n);
    addon.interruptServer(server);
    await until(() => thread.said.length === 1);
    expect((await xen.access(id, 1, { isRead: true, address: 0x20 })).data).toBe(0x21n);
    await thread.stop();
    expect(xen.calls('xenevtchn_pending')).toBe(waits);
  });

  it('waits for events once it has spun long enough', async () => {
    addon.setWaiting(server, waitingMode.spin, 1_000);
    const thread = new ServingThread(xen, server);
    await xen.waiting(1);
    expect((await xen.access(id, 0, { isRead: true, address: 0x10 })).data).toBe(0x11n);
    await xen.waiting(1);
    await thread.stop();
  });

  it('takes a new spinning time with the next request', async () => {
    const thread = new ServingThread(xen, server);
    await xen.waiting(1);
    addon.setWaiting(server, waitingMode.spin, Number.MAX_SAFE_INTEGER);
    await xen.access(id, 0, { address: 0x10 });
    const waits = xen.calls('xenevtchn_pending');
    for (let i = 0; i < 10; i++) await xen.access(id, i % 3, { address: 0x10 });
    expect(xen.calls('xenevtchn_pending')).toBe(waits);
    await thread.stop();
  });

  it('looks for longer, when it adapts, once waits have been short', async () => {
    const cycles = 400_000_000; // some 0.1 s
    addon.setWaiting(server, waitingMode.adaptive, cycles);
    const thread = new ServingThread(xen, server);
    await xen.waiting(1);
    // Waits that are short against the longest look; each takes less than the first window once that has grown.
    for (let i = 0; i < 200; i++) await xen.access(id, 0, { address: i });
    const waits = xen.calls('xenevtchn_pending');
    for (let i = 0; i < 50; i++) await xen.access(id, 0, { address: i });
    expect(xen.calls('xenevtchn_pending') - waits).toBeLessThan(10);
    await xen.waiting(1); // it gives up looking in the end
    await thread.stop();
  });

  it('goes on when a signal interrupts the wait', async () => {
    xen.failNext('xenevtchn_pending', EINTR, 3);
    const thread = new ServingThread(xen, server);
    await xen.waiting(1);
    expect((await xen.access(id, 0, { isRead: true, address: 0x10 })).data).toBe(0x11n);
    await thread.stop();
    expect(thread.said).toHaveLength(1);
  });

  it('says so when waiting fails', async () => {
    xen.failNext('xenevtchn_pending', EIO);
    const thread = new ServingThread(xen, server);
    await thread.ended();
    expect(thread.said).toEqual([{ code: serveCode.failed, errno: EIO }]);
  });

  it('gives every one of many vCPUs its own answers', async () => {
    const thread = new ServingThread(xen, server);
    const vcpu = async (number: number): Promise<void> => {
      for (let i = 0; i < 300; i++) {
        const address = BigInt(number * 0x10000 + i);
        const isRead = i % 3 !== 0;
        const seen = await xen.access(id, number, { isRead, address, data: 5 });
        expect(seen.data).toBe(isRead ? address + 1n : 5n);
      }
    };
    await Promise.all([vcpu(0), vcpu(3), vcpu(7)]);
    await thread.stop();
    const records = readTrace(new Uint8Array(addon.readTrace(server)));
    expect(records).toHaveLength(900);
    expect(records.every(({ sequence }, i) => sequence === i)).toBe(true);
    for (const number of [0, 3, 7]) {
      const own = records
        .filter(({ vcpu }) => vcpu === number)
        .map(({ address }) => Number(address) - number * 0x10000);
      expect(own).toEqual(Array.from({ length: 300 }, (_, i) => i));
    }
  });
});
