import { expect, it, vi } from 'vitest';
import { ioreqType } from '../abi/ioreq.ts';
import { bufferedMode } from '../xen/addon.ts';
import { fakeGuest, FakeXen, until } from './fake/fake-xen.ts';
import { ServingThread } from './fake/serving-thread.ts';

// A busy machine is no failure.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const xen = new FakeXen();
const { addon } = xen;
addon.open(fakeGuest.domid, 1);

it('a ring with many entries is emptied, although the only vCPU has nothing more to say', async () => {
  const server = addon.createServer(bufferedMode.atomic);
  const id = addon.serverId(server);
  addon.enableServer(server, false);
  addon.requestWords(server);
  for (let i = 0; i < 10; i++) xen.buffer(id, { type: ioreqType.copy, address: i, data: 0, size: 4 });
  const thread = new ServingThread(xen, server);
  await until(() => xen.ringPointers(id).read === xen.ringPointers(id).write);
  await thread.stop();
  expect(xen.ringPointers(id)).toEqual({ read: 10, write: 10 });
  addon.closeServer(server);
});
