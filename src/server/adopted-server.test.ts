import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ioreqType } from '../abi/ioreq.ts';
import { fakeGuest, FakeXen, until } from '../native/fake/fake-xen.ts';
import { ServerHost } from './server-host.ts';
import { TestBundle } from './testing/worker-bundle.ts';
import { WorkerPool } from './worker-pool.ts';

// A busy machine is no failure.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

/** The process that dies, and the one that comes after it: two addons over one fake Xen. */
const xen = new FakeXen();
const dead = xen.secondAddon();
const { addon } = xen;
dead.open(fakeGuest.domid, fakeGuest.vcpus);
addon.open(fakeGuest.domid, fakeGuest.vcpus);
const bundle = await TestBundle.make("import { runServerWorker as start } from './server/server-worker.ts';");
const pool = new WorkerPool(bundle.file, xen.addonFile);
afterAll(async () => {
  await pool[Symbol.asyncDispose]();
  bundle[Symbol.dispose]();
});

const unmap = 'xendevicemodel_unmap_io_range_from_ioreq_server';
const configSpace = 0x28;

let id: number;
let unmapped: number;
const adopt = (): ServerHost => new ServerHost(addon, pool, ({ message }) => expect.fail(message), {}, id);
const config = async (offset: number, data: number): Promise<void> => {
  const address = (BigInt(configSpace) << 32n) | BigInt(offset);
  await xen.access(id, 0, { type: ioreqType.pciConfig, address, data });
};
beforeEach(() => {
  const server = dead.createServer();
  id = dead.serverId(server);
  dead.enableServer(server, false);
  dead.mapRange(server, false, 0x500, 0x503);
  dead.mapPciFunction(server, configSpace);
  dead.mapRange(server, true, 0xe000_0000, 0xe000_0fff);
  unmapped = xen.calls(unmap);
});
afterEach(() => {
  // The dead process's account of what it held.
  try {
    dead.closeServer(0);
  } catch {
    // what is gone is gone
  }
});

describe('what a server that is adopted owns already', () => {
  it('stays when its device is attached anew; what Xen refuses otherwise is refused', async () => {
    xen.unbindAll();
    const host = adopt();
    await host.attach('register', { initial: 7 }, { value: 0x500 });
    expect((await xen.access(id, 1, { isRead: true, address: 0x500 })).data).toBe(7n);
    expect(xen.ranges(id)).toContainEqual({ memory: false, start: 0x500, end: 0x503 });
    expect(xen.calls(unmap)).toBe(unmapped);
    xen.failNext('xendevicemodel_map_io_range_to_ioreq_server', 12);
    await expect(host.attach('register', {}, { value: 0x600 })).rejects.toMatchObject({ code: 'RANGE_REFUSED' });
    await host.close();
  });

  it('stays when the guest puts a BAR there: its other vCPUs never read all ones meanwhile', async () => {
    // The write that the process died over, after it had given Xen the range.
    const enabling = config(4, 6);
    await until(() => xen.slot(id, 0).type === ioreqType.pciConfig);
    xen.unbindAll();
    const host = adopt();
    await host.inherit([{ device: 'ioreqlab/pciTest', options: {}, at: { function: configSpace } }]);
    await enabling;
    await config(0x10, 0xe000_0000);
    expect(xen.ranges(id)).toContainEqual({ memory: true, start: 0xe000_0000, end: 0xe000_0fff });
    expect(xen.calls(unmap)).toBe(unmapped);
    expect((await host.close()).counters).toMatchObject({ unclaimed: 0, undecoded: 0 });
  });
});
