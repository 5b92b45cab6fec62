import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { serveCode, word } from '../server/request.ts';
import { readTrace } from '../trace/record.ts';
import type { ServerHandle } from '../xen/addon.ts';
import { allOnes, fakeGuest, FakeXen, until, type Slot } from './fake/fake-xen.ts';

// A busy machine is no failure.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const xen = new FakeXen();
const { addon } = xen;
addon.open(fakeGuest.domid, fakeGuest.vcpus);
addon.startWatchdog(50);

/** A server whose handler is this thread: stuck for as long as it does something else. */
class Served {
  readonly server: ServerHandle = addon.createServer();
  readonly id: number = addon.serverId(this.server);
  readonly words: Uint32Array;
  static readonly #words = new Map<ServerHandle, Uint32Array>();

  constructor(watched: boolean) {
    addon.enableServer(this.server, watched);
    this.words = Served.#words.get(this.server) ?? new Uint32Array(addon.requestWords(this.server));
    Served.#words.set(this.server, this.words);
  }

  serve(): number {
    addon.bindServe(this.server)();
    return this.words[word.code] as number;
  }

  async taken(vcpu: number): Promise<Slot> {
    let slot: Slot | undefined;
    await until(() => (slot = xen.take(this.id, vcpu)) !== undefined);
    return slot as Slot;
  }
}

let watched: Served;
beforeEach(() => {
  watched = new Served(true);
});
afterEach(() => {
  addon.closeServer(watched.server);
  expect(xen.held().servers).toBe(0);
});

describe('the watchdog', () => {
  it('answers in place of a stuck handler, once, and from then on', async () => {
    xen.post(watched.id, 2, { isRead: true, address: 0x80 });
    expect(watched.serve()).toBe(serveCode.request);
    expect(addon.watchdogFired(watched.server)).toBe(false);
    expect((await watched.taken(2)).data).toBe(allOnes);
    expect(addon.watchdogFired(watched.server)).toBe(true);
    for (const vcpu of [2, 5]) {
      expect((await xen.access(watched.id, vcpu, { isRead: true, address: 0x81 })).data).toBe(allOnes);
    }

    // The handler comes back after all: its answer goes nowhere, and it is told to go.
    const notified = xen.calls('xenevtchn_notify');
    watched.words[word.answerLow] = 7;
    watched.words[word.answerHigh] = 0;
    expect(watched.serve()).toBe(serveCode.displaced);
    expect(watched.serve()).toBe(serveCode.displaced);
    expect(xen.calls('xenevtchn_notify')).toBe(notified);
    expect(xen.take(watched.id, 2)).toBeUndefined();
    expect((await xen.access(watched.id, 0, { isRead: true, address: 0x82 })).data).toBe(allOnes);

    const records = readTrace(new Uint8Array(addon.readTrace(watched.server)));
    expect(records.map(({ origin, vcpu, address }) => [origin, vcpu, address])).toEqual([
      ['watchdog', 2, 0x80n],
      ['watchdog', 2, 0x81n],
      ['watchdog', 5, 0x81n],
      ['watchdog', 0, 0x82n],
    ]);
  });

  it('leaves alone who waits, who answers, and who is not watched', async () => {
    const busy = new Served(true);
    const unwatched = new Served(false);
    xen.post(watched.id, 0, { isRead: true, address: 1 });
    xen.post(busy.id, 0, { isRead: true, address: 2 });
    xen.post(unwatched.id, 0, { isRead: true, address: 3 });
    for (const one of [watched, busy, unwatched]) expect(one.serve()).toBe(serveCode.request);
    busy.words[word.answerLow] = 0x22;
    busy.words[word.answerHigh] = 0;
    addon.interruptServer(busy.server);
    expect(busy.serve()).toBe(serveCode.interrupted);
    await watched.taken(0);
    expect(xen.take(busy.id, 0)?.data).toBe(0x22n);
    expect(xen.take(unwatched.id, 0)).toBeUndefined();
    expect([busy, unwatched].map(({ server }) => addon.watchdogFired(server))).toEqual([false, false]);
    for (const { server } of [busy, unwatched]) addon.closeServer(server);
    expect(xen.take(unwatched.id, 0)?.data).toBe(allOnes);
  });

  it('lets a server go that is closed', async () => {
    xen.post(watched.id, 0, { isRead: true, address: 1 });
    watched.serve();
    addon.closeServer(watched.server);
    expect(xen.take(watched.id, 0)?.data).toBe(allOnes);
    const after = new Served(true);
    expect(after.server).toBe(watched.server);
    expect(addon.watchdogFired(after.server)).toBe(false);
    xen.post(after.id, 0, { isRead: true, address: 1 });
    after.serve();
    expect((await after.taken(0)).data).toBe(allOnes);
    watched = after;
  });

  it('is started once', () => {
    expect(() => addon.startWatchdog(1)).not.toThrow();
  });
});
