import { afterEach, describe, expect, it } from 'vitest';
import { ioreqState } from '../abi/ioreq.ts';
import { IoreqSlot } from '../abi/ioreq-slot.ts';
import type { DmOpName } from '../xen/dm-op.ts';
import { fakeGuest, FakeXen, type Held } from './fake/fake-xen.ts';

const xen = new FakeXen();
const { addon } = xen;
addon.open(fakeGuest.domid, fakeGuest.vcpus);
const usage = { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' };
const refused = (code: string, call: string) => expect.objectContaining({ code, call }) as Error;
const nothing: Held = { handles: 2, servers: 0, pages: 0, frames: 0, ports: 0 };

describe('operations as they are', () => {
  afterEach(() => expect(xen.held()).toEqual(nothing));

  it('give what the library gives', () => {
    expect(addon.dmOp('createIoreqServer', [0])).toEqual([0n]);
    expect(addon.dmOp('mapIoRange', [0, 0, 0x5000, 0x5003])).toEqual([]);
    expect(addon.dmOp('mapIoRange', [0, 1, 1n << 40n, (1n << 40n) + 0xfffn])).toEqual([]);
    expect(xen.ranges(0)).toEqual([
      { memory: false, start: 0x5000, end: 0x5003 },
      { memory: true, start: 2 ** 40, end: 2 ** 40 + 0xfff },
    ]);
    expect(addon.dmOp('nrVcpus', [])).toEqual([BigInt(fakeGuest.vcpus)]);
    addon.dmOp('destroyIoreqServer', [0n]);
  });

  it('throw what Xen refuses, by their own names', () => {
    expect(() => addon.dmOp('destroyIoreqServer', [7])).toThrow(refused('ENOENT', 'destroyIoreqServer'));
    xen.failNext('xendevicemodel_set_ioreq_server_state', 1);
    expect(() => addon.dmOp('setIoreqServerState', [0, 1])).toThrow(refused('EPERM', 'setIoreqServerState'));
    expect(() => addon.mapResource(3, 1)).toThrow(refused('ENOENT', 'xenforeignmemory_map_resource'));
  });

  it('that are none, or have other arguments, are refused', () => {
    for (const [op, args] of [
      ['open', []],
      ['destroyIoreqServer', []],
      ['destroyIoreqServer', [0, 1]],
      ['destroyIoreqServer', [-1]],
      ['destroyIoreqServer', ['0']],
      ['mapIoRange', [0, 0, 0.5, 1]],
    ] as const) {
      expect(() => addon.dmOp(op as DmOpName, args as unknown as number[])).toThrow(
        expect.objectContaining(usage) as Error,
      );
    }
  });

  it("are named when the host's library lacks them", () => {
    // The fake has only what serving a guest needs.
    expect(() => addon.dmOp('trackDirtyVram', [0, 1])).toThrow(
      expect.objectContaining({ code: 'XEN_FUNCTION_MISSING' }) as Error,
    );
  });
});

it('pages and channels of servers that were made so are given back', () => {
  addon.dmOp('createIoreqServer', [0]);
  const page = addon.mapResource(0, 1);
  const slot = new IoreqSlot(page, 0);
  addon.dmOp('setIoreqServerState', [0, 1]);
  const local = addon.bindPort(slot.vpEport);
  expect(slot.state).toBe(ioreqState.none);
  addon.notifyPort(local);
  addon.unbindPort(local);
  addon.unmapResource(page);
  expect(page.byteLength).toBe(0);
  expect(() => addon.unmapResource(page)).toThrow(expect.objectContaining(usage) as Error);
  addon.dmOp('destroyIoreqServer', [0]);
  // The handle of the channels stays for the next ones.
  expect(xen.held()).toEqual({ ...nothing, handles: 3, ports: 2 });
});
