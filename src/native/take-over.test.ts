import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ioreqState } from '../abi/ioreq.ts';
import { serveCode, word } from '../server/request.ts';
import type { Addon, ServerHandle } from '../xen/addon.ts';
import { allOnes, fakeGuest, FakeXen, until } from './fake/fake-xen.ts';
import { ServingThread } from './fake/serving-thread.ts';

/** The process that dies, and the one that comes after it: two addons over one fake Xen. */
const xen = new FakeXen();
const dead = xen.secondAddon();
const { addon } = xen;
dead.open(fakeGuest.domid, fakeGuest.vcpus);
addon.open(fakeGuest.domid, fakeGuest.vcpus);

let left: number;
beforeEach(() => {
  const server = dead.createServer();
  left = dead.serverId(server);
  dead.mapRange(server, false, 0x500, 0x503);
  dead.enableServer(server, false);
});
afterEach(() => {
  // The dead process's account of what it held.
  for (let server = 0; server < 8; server++) attempt(() => dead.closeServer(server));
  expect(xen.held()).toMatchObject({ handles: 4, servers: 0, pages: 0, ports: 0 });
});

function attempt(call: () => void): void {
  try {
    call();
  } catch {
    // what is gone is gone
  }
}

/** The dead process's end: the kernel unbinds its channels, Xen keeps the rest. */
function die(): void {
  xen.unbindAll();
}

function adopted(by: Addon = addon): ServerHandle {
  const server = by.adoptServer(left);
  by.enableServer(server, false);
  return server;
}

/** What the server had in hand, taken and answered with its address plus one. */
function inheritAll(server: ServerHandle): number[] {
  const words = wordsOf(server);
  const next = addon.bindInherited(server);
  const seen: number[] = [];
  for (;;) {
    next();
    if (words[word.code] !== serveCode.request) return seen;
    seen.push(words[word.vcpu] as number);
    words[word.answerLow] = (words[word.addrLow] as number) + 1;
    words[word.answerHigh] = 0;
  }
}

const known = new Map<ServerHandle, Uint32Array>();
function wordsOf(server: ServerHandle): Uint32Array {
  const words = known.get(server) ?? new Uint32Array(addon.requestWords(server));
  known.set(server, words);
  return words;
}

const read = { isRead: true, address: 0x500 };

describe('servers of a domain', () => {
  it('are found by asking Xen, whoever has made them', () => {
    expect(addon.serversOf(fakeGuest.domid)).toEqual([left]);
    const own = addon.createServer();
    expect(addon.serversOf(fakeGuest.domid)).toEqual([left, addon.serverId(own)]);
    addon.closeServer(own);
    expect(addon.serversOf(fakeGuest.domid + 1)).toEqual([]);
  });
});

describe('a server that was adopted', () => {
  it('is the same, with its ranges', () => {
    die();
    const server = adopted();
    expect(addon.serverId(server)).toBe(left);
    expect(xen.ranges(left)).toEqual([{ memory: false, start: 0x500, end: 0x503 }]);
    addon.closeServer(server);
  });

  it('serves what came while there was nobody, and what the dead process had in hand', async () => {
    const answers = [0, 3, 5].map(async (vcpu) => (await xen.access(left, vcpu, read)).data);
    await until(() => [0, 3, 5].every((vcpu) => xen.slot(left, vcpu).state === ioreqState.ready));
    for (const vcpu of [3, 5]) xen.setState(left, vcpu, ioreqState.inProcess);
    die();
    const server = adopted();
    expect(inheritAll(server)).toEqual([3, 5]);
    expect(await Promise.all(answers.slice(1))).toEqual([0x501n, 0x501n]);
    const thread = new ServingThread(xen, server);
    expect(await answers[0]).toBe(0x501n);
    await thread.stop();
    addon.closeServer(server);
  });

  it('tells a vCPU of an answer that it was not told of', async () => {
    const answer = xen.access(left, 2, read);
    await until(() => xen.slot(left, 2).state === ioreqState.ready);
    xen.setState(left, 2, ioreqState.responseReady);
    die();
    const server = adopted();
    expect((await answer).state).toBe(ioreqState.responseReady);
    addon.closeServer(server);
  });

  it('answers all that waits with all ones when it is closed instead', async () => {
    const answers = [1, 2].map(async (vcpu) => (await xen.access(left, vcpu, read)).data);
    await until(() => [1, 2].every((vcpu) => xen.slot(left, vcpu).state === ioreqState.ready));
    xen.setState(left, 1, ioreqState.inProcess);
    die();
    addon.closeServer(adopted());
    expect(await Promise.all(answers)).toEqual([allOnes, allOnes]);
    expect(addon.serversOf(fakeGuest.domid)).toEqual([]);
  });

  it('has its vCPUs ask anew when it is the control server', async () => {
    const answers = [0, 4].map(async (vcpu) => (await xen.access(left, vcpu, { isRead: true, address: 0xe0 })).data);
    await until(() => [0, 4].every((vcpu) => xen.slot(left, vcpu).state === ioreqState.ready));
    xen.setState(left, 4, ioreqState.inProcess);
    die();
    const server = adopted();
    const asked: number[] = [];
    addon.watchControl(server, (vcpu) => asked.push(vcpu));
    await until(() => asked.length === 2);
    expect(asked.sort()).toEqual([0, 4]);
    for (const vcpu of asked) expect(addon.answerControl(server, vcpu, 7)).toBe(true);
    expect(await Promise.all(answers)).toEqual([7n, 7n]);
    addon.unwatchControl();
    addon.closeServer(server);
  });

  it('is adopted once, and must be there', () => {
    die();
    const server = adopted();
    expect(() => addon.adoptServer(left)).toThrow(/it is ours already/);
    addon.closeServer(server);
    expect(() => addon.adoptServer(left)).toThrow(
      expect.objectContaining({ code: 'ENOENT', call: 'xenforeignmemory_map_resource' }) as Error,
    );
  });
});
