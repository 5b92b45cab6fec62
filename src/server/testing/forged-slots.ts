import { ioreqState } from '../../abi/ioreq.ts';
import { requestBit } from '../../abi/ioreq.ts';
import { FakeXen, fakeGuest, type IoRequest } from '../../native/fake/fake-xen.ts';
import { ServerHost, type ServerTrouble } from '../server-host.ts';
import { WorkerPool } from '../worker-pool.ts';
import { ForgedRequests } from './forged-requests.ts';
import { TestBundle } from './worker-bundle.ts';

/** What came of it. */
export interface ForgedSlotsResult {
  /** Requests that vCPUs got an answer to. */
  readonly answered: number;
  readonly buffered: number;
  /** Slots that were put into a state in which no Xen leaves them. */
  readonly spoiled: number;
  /** What went wrong in handlers and workers. */
  readonly troubles: readonly ServerTrouble[];
}

/**
 * Forged requests all the way: in the shared pages of the fake Xen, through the addon's loop, in a worker, to devices that
 * watch their bounds. Several vCPUs at once; entries of the buffered ring and its pointers, and states of slots, are
 * forged as well.
 *
 * @throws Error ETIMEDOUT when a vCPU waits for its answer in vain
 */
export async function forgeSlots(requests: number, seed: number): Promise<ForgedSlotsResult> {
  const xen = new FakeXen();
  xen.addon.open(fakeGuest.domid, fakeGuest.vcpus);
  using bundle = await TestBundle.make("import { runServerWorker as start } from './server/server-worker.ts';");
  await using pool = new WorkerPool(bundle.file, xen.addonFile);
  const troubles: ServerTrouble[] = [];
  const host = new ServerHost(xen.addon, pool, (trouble) => troubles.push(trouble), { buffered: 'atomic' });
  await host.attach('watchful', {}, { port: 0x500, last: 0xfffe, page: 0xf000_0000, high: 0xf_0000_0000 });
  await host.attach('adder', {}, { command: 0x520, registers: 0xe000_0000 });
  const random = new ForgedRequests(seed);
  const forge = (): IoRequest => {
    const { type, bits, size, count, address, data } = random.next();
    return {
      ...{ type, size, count, address, data, isRead: (bits & requestBit.read) !== 0 },
      dataIsPointer: (bits & requestBit.dataIsPointer) !== 0,
      backwards: (bits & requestBit.backwards) !== 0,
    };
  };
  let left = requests;
  let [buffered, spoiled] = [0, 0];
  const buffer = (): void => {
    try {
      xen.buffer(host.xenId, forge());
      buffered++;
    } catch {
      // full, or nothing that the ring can hold
    }
    if (random.number() % 64 === 0) xen.setRingPointers(host.xenId, random.number(), random.number());
  };
  const runVcpu = async (vcpu: number): Promise<void> => {
    while (left-- > 0) {
      if (random.number() % 8 === 0) buffer();
      if (random.number() % 32 === 0) {
        // Not `ready`, which would be a request.
        xen.setState(host.xenId, vcpu, 2 + (random.number() % 14));
        xen.sendEvent(host.xenId, vcpu);
        await new Promise((resolve) => setImmediate(resolve));
        xen.setState(host.xenId, vcpu, ioreqState.none);
        spoiled++;
      }
      await xen.access(host.xenId, vcpu, forge());
    }
  };
  await Promise.all([0, 1, 2, 3].map(runVcpu));
  await host.close();
  return { answered: requests, buffered, spoiled, troubles };
}
