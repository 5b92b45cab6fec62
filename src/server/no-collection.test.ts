import { afterAll, expect, it, vi } from 'vitest';
import { ioreqType } from '../abi/ioreq.ts';
import { fakeGuest, FakeXen } from '../native/fake/fake-xen.ts';
import { ServerHost } from './server-host.ts';
import { TestBundle } from './testing/worker-bundle.ts';
import { WorkerPool } from './worker-pool.ts';

// A busy machine is no failure.
vi.setConfig({ testTimeout: 240_000 });

const xen = new FakeXen();
const { addon } = xen;
addon.open(fakeGuest.domid, fakeGuest.vcpus);
const bundle = await TestBundle.make("import { runServerWorker as start } from './server/server-worker.ts';");
const pool = new WorkerPool(bundle.file, xen.addonFile);
afterAll(async () => {
  await pool[Symbol.asyncDispose]();
  bundle[Symbol.dispose]();
});

const requests = 1_000_000;
const warmup = 400_000;

it(`${requests} requests cause no garbage collection`, async () => {
  const host = new ServerHost(addon, pool, ({ message }) => expect.fail(message), {
    waiting: { mode: 'spin', cycles: Number.MAX_SAFE_INTEGER },
  });
  await host.attach('register', { initial: 0x1234 }, { value: 0x500 });
  await host.attach('adder', {}, { command: 0x600, registers: 0xf000_0000 });
  const kinds = [
    { isRead: true, address: 0x500 },
    { address: 0x501, size: 2, data: 0xcafe },
    { type: ioreqType.copy, isRead: true, address: 0xf000_0004 },
    { type: ioreqType.copy, isRead: true, address: 0xf000_0008, size: 8 },
    { isRead: true, address: 0x700 },
  ];
  const access = async (times: number): Promise<void> => {
    for (const kind of kinds) await xen.accessOften(host.xenId, 3, kind, times / kinds.length);
  };
  // What the compiler needs comes first, and is not counted: the count begins anew when the worker is interrupted. It
  // works in a thread of its own, for which a busy machine may have no time at once.
  for (let times = 0; times < 4; times++) {
    await access(warmup / 4);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  host.setWaiting({ mode: 'spin', cycles: Number.MAX_SAFE_INTEGER });
  await access(requests);
  const { counters } = await host.close();
  expect(counters).toMatchObject({ collections: 0, malformed: 0 });
  expect(counters?.unclaimed).toBe((requests + warmup) / kinds.length);
});

it('the check sees a collection when a handler makes garbage', async () => {
  const host = new ServerHost(addon, pool, ({ message }) => expect.fail(message), {
    waiting: { mode: 'spin', cycles: Number.MAX_SAFE_INTEGER },
  });
  await host.attach('littering', {}, { any: 0x500 });
  await xen.accessOften(host.xenId, 0, { isRead: true, address: 0x500 }, 50);
  expect((await host.close()).counters?.collections).toBeGreaterThan(0);
});
