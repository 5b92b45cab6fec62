import { afterEach, describe, expect, it } from 'vitest';
import { ioreqState } from '../abi/ioreq.ts';
import { word } from '../server/request.ts';
import type { ServerHandle } from '../xen/addon.ts';
import { allOnes, fakeGuest, FakeXen, until, type Held } from './fake/fake-xen.ts';
import { ServingThread } from './fake/serving-thread.ts';

const xen = new FakeXen();
const { addon } = xen;
addon.open(fakeGuest.domid, fakeGuest.vcpus);
/** The handles of the process itself. */
const nothing: Held = { handles: 2, servers: 0, pages: 0, frames: 0, ports: 0 };
const ESRCH = 3;

afterEach(() => {
  xen.dawdle(0);
  expect(xen.held()).toEqual(nothing);
});

function enabled(): ServerHandle {
  const server = addon.createServer();
  addon.enableServer(server, false);
  return server;
}

describe('creating a server', () => {
  it('takes the page, a channel for each vCPU and two to wake the thread', () => {
    const server = addon.createServer();
    expect(xen.held()).toEqual({ handles: 3, servers: 1, pages: 1, frames: 0, ports: 2 });
    addon.enableServer(server, false);
    expect(xen.held().ports).toBe(2 + fakeGuest.vcpus);
    addon.closeServer(server);
  });

  it('gives and takes ranges', () => {
    const server = addon.createServer();
    const id = addon.serverId(server);
    addon.mapRange(server, false, 0x1f0, 0x1f7);
    addon.mapRange(server, true, 0xf_0000_0000, 0xf_0000_0fff);
    expect(xen.ranges(id)).toEqual([
      { memory: false, start: 0x1f0, end: 0x1f7 },
      { memory: true, start: 0xf_0000_0000, end: 0xf_0000_0fff },
    ]);
    expect(() => addon.mapRange(server, false, 0x1f7, 0x1f8)).toThrow(
      expect.objectContaining({ code: 'EEXIST', call: 'xendevicemodel_map_io_range_to_ioreq_server' }) as Error,
    );
    addon.unmapRange(server, false, 0x1f0, 0x1f7);
    expect(xen.ranges(id)).toHaveLength(1);
    expect(() => addon.unmapRange(server, false, 0x1f0, 0x1f7)).toThrow(
      expect.objectContaining({ code: 'ENOENT', call: 'xendevicemodel_unmap_io_range_from_ioreq_server' }) as Error,
    );
    addon.closeServer(server);
  });

  it('is possible eight times, and again after one was closed', () => {
    const servers = Array.from({ length: 8 }, () => addon.createServer());
    expect(servers.map((server) => addon.serverId(server))).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(() => addon.createServer()).toThrow(expect.objectContaining({ code: 'ENOSPC' }) as Error);
    addon.closeServer(servers[4] as ServerHandle);
    const again = addon.createServer();
    expect(addon.serverId(again)).toBe(4);
    for (const server of new Set([...servers, again])) addon.closeServer(server);
  });

  const steps = [
    'xendevicemodel_create_ioreq_server',
    'xenforeignmemory_map_resource',
    'xenevtchn_open',
    'xenevtchn_bind_unbound_port',
    'xenevtchn_bind_interdomain',
  ];
  for (const step of steps) {
    it(`leaves nothing behind when ${step} fails`, () => {
      xen.failNext(step, ESRCH);
      expect(() => addon.createServer()).toThrow(
        expect.objectContaining({
          code: 'ESRCH',
          errno: ESRCH,
          call: step,
          message: expect.stringContaining(step),
        }) as Error,
      );
    });
  }

  for (const [step, before] of [
    ['xendevicemodel_set_ioreq_server_state', 0],
    ['xenevtchn_bind_interdomain', 0],
  ] as const) {
    it(`can be given up when ${step} fails`, () => {
      const server = addon.createServer();
      xen.failNext(step, ESRCH);
      expect(() => addon.enableServer(server, false)).toThrow(
        expect.objectContaining({ code: 'ESRCH', call: step }) as Error,
      );
      expect(xen.held().ports).toBe(2 + before);
      addon.closeServer(server);
    });
  }

  it('is enabled once', () => {
    const server = enabled();
    expect(() => addon.enableServer(server, false)).toThrow(TypeError);
    expect(xen.held().ports).toBe(2 + fakeGuest.vcpus);
    addon.closeServer(server);
  });
});

describe('closing a server', () => {
  it('answers what waits and what was taken, with all ones', () => {
    const server = enabled();
    const id = addon.serverId(server);
    xen.post(id, 0, { isRead: true, address: 1 });
    addon.bindServe(server)();
    expect(xen.slot(id, 0).state).toBe(ioreqState.inProcess);
    xen.post(id, 1, { isRead: true, address: 2 });
    xen.post(id, 6, { isRead: false, address: 3, data: 0x33 });
    xen.post(id, 7, { isRead: true, dataIsPointer: true, address: 4, data: 0x4000, count: 5 });
    addon.closeServer(server);
    expect([0, 1, 6, 7].map((vcpu) => xen.take(id, vcpu)?.data)).toEqual([allOnes, allOnes, 0x33n, 0x4000n]);
    for (const vcpu of [2, 3, 4, 5]) expect(xen.slot(id, vcpu)).toMatchObject({ state: ioreqState.none, data: 0n });
  });

  it('waits until vCPUs have taken their answers, which Xen forgets with the server', async () => {
    xen.dawdle(5_000);
    const server = enabled();
    const id = addon.serverId(server);
    const vcpus = [0, 1, 2];
    const answers = vcpus.map(async (vcpu) => await xen.access(id, vcpu, { isRead: true, address: 1 }));
    await until(() => vcpus.every((vcpu) => xen.slot(id, vcpu).state === ioreqState.ready));
    addon.closeServer(server);
    expect((await Promise.all(answers)).map(({ data }) => data)).toEqual([allOnes, allOnes, allOnes]);
  });

  for (const step of [
    'xendevicemodel_set_ioreq_server_state',
    'xendevicemodel_destroy_ioreq_server',
    'xenforeignmemory_unmap_resource',
    'xenevtchn_close',
  ]) {
    it(`goes all the way when ${step} fails, and says so`, () => {
      const server = enabled();
      const id = addon.serverId(server);
      xen.post(id, 0, { isRead: true, address: 1 });
      xen.failNext(step, ESRCH);
      expect(() => addon.closeServer(server)).toThrow(expect.objectContaining({ code: 'ESRCH', call: step }) as Error);
      expect(xen.take(id, 0)?.data).toBe(allOnes);
      expect(() => addon.serverId(server)).toThrow(/no such server/);
      const left = xen.held();
      expect(left).toEqual({
        ...nothing,
        servers: step === 'xendevicemodel_destroy_ioreq_server' ? 1 : 0,
        pages: step === 'xenforeignmemory_unmap_resource' ? 1 : 0,
      });
      xen.clearUp();
    });
  }

  it('does not mind that nobody can be told', () => {
    const server = enabled();
    const id = addon.serverId(server);
    xen.post(id, 0, { isRead: true, address: 1 });
    xen.failNext('xenevtchn_notify', ESRCH);
    addon.closeServer(server);
    expect(xen.slot(id, 0)).toMatchObject({ state: ioreqState.responseReady, data: allOnes });
  });

  it('tells the first of several failures', () => {
    const server = enabled();
    xen.failNext('xendevicemodel_set_ioreq_server_state', ESRCH);
    xen.failNext('xenevtchn_close', 9);
    expect(() => addon.closeServer(server)).toThrow(
      expect.objectContaining({ call: 'xendevicemodel_set_ioreq_server_state' }) as Error,
    );
  });

  it('leaves the function that served it harmless', () => {
    const server = enabled();
    const words = new Uint32Array(addon.requestWords(server));
    const serve = addon.bindServe(server);
    // As far as a vCPU in the middle: where it would look next is nowhere any more.
    xen.post(addon.serverId(server), 4, { isRead: true, address: 1 });
    serve();
    addon.closeServer(server);
    serve();
    expect(words[word.code]).toBe(2);
  });

  it('takes a server over from a thread that has stopped', async () => {
    const server = enabled();
    const id = addon.serverId(server);
    const thread = new ServingThread(xen, server);
    await xen.access(id, 0, { isRead: true, address: 1 });
    await thread.stop();
    const late = xen.access(id, 1, { isRead: true, address: 1 });
    addon.closeServer(server);
    expect((await late.catch(() => ({ data: allOnes }))).data).toBe(allOnes);
  });
});
