import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ioreqState, ioreqType } from '../abi/ioreq.ts';
import { allOnes, fakeGuest, FakeXen, until } from '../native/fake/fake-xen.ts';
import { readTrace } from '../trace/record.ts';
import { ServerHost, type ServerTrouble } from './server-host.ts';
import type { ServerOptions } from './server-options.ts';
import { TestBundle } from './testing/worker-bundle.ts';
import { WorkerPool } from './worker-pool.ts';

// A busy machine is no failure.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const xen = new FakeXen();
const { addon } = xen;
addon.open(fakeGuest.domid, fakeGuest.vcpus);
addon.startWatchdog(100);
const bundle = await TestBundle.make("import { runServerWorker as start } from './server/server-worker.ts';");
const pool = new WorkerPool(bundle.file, xen.addonFile);
afterAll(async () => {
  await pool[Symbol.asyncDispose]();
  bundle[Symbol.dispose]();
});

const mmio = { type: ioreqType.copy };
let troubles: ServerTrouble[];
let host: ServerHost;
let id: number;
beforeEach(() => {
  troubles = [];
  host = new ServerHost(addon, pool, (trouble) => troubles.push(trouble));
  id = host.xenId;
});
afterEach(() => expect(xen.held()).toMatchObject({ handles: 2, servers: 0, pages: 0, frames: 0, ports: 0 }));

const read = async (address: number, type: number = ioreqType.pio): Promise<bigint> =>
  (await xen.access(id, 1, { isRead: true, address, type })).data;
const write = async (address: number, data: number): Promise<void> => {
  await xen.access(id, 2, { address, data });
};

describe('a server with devices', () => {
  it('answers from the moment that attach resolves, and leaves trace and counters', async () => {
    await host.attach('register', { initial: 0x1234_5678 }, { value: 0x500 });
    expect(xen.ranges(id)).toEqual([{ memory: false, start: 0x500, end: 0x503 }]);
    expect(await read(0x500)).toBe(0x1234_5678n);
    await write(0x500, 0xcafe);
    expect(await read(0x500)).toBe(0xcafen);
    expect(await read(0x504)).toBe(allOnes);
    const remains = await host.close();
    expect(remains.xenId).toBe(id);
    expect(remains.counters).toMatchObject({ unclaimed: 1, badWidth: 0, misaligned: 0, malformed: 0, undecoded: 0 });
    expect(readTrace(remains.trace).map(({ address, answer }) => [address, answer])).toEqual([
      [0x500n, 0x1234_5678n],
      [0x500n, 0xcafen],
      [0x500n, 0xcafen],
      [0x504n, allOnes],
    ]);
  });

  it('takes several at once, and each gets its own answer', async () => {
    const attached = await Promise.allSettled([
      host.attach('register', { initial: 1 }, { value: 0x500 }),
      host.attach('unheard-of', {}, {}),
      host.attach('adder', {}, { command: 0x600, registers: 0xf000_0000 }),
      host.attach('register', { initial: 2 }, { value: 0x502 }),
      host.attach('register', { initial: 3 }, { value: 0x700 }),
    ]);
    expect(attached.map((one) => (one.status === 'rejected' ? (one.reason as Error).message : 'yes'))).toEqual([
      'yes',
      expect.stringMatching(/^no device is named "unheard-of"; there are: adder, broken, /),
      'yes',
      'register.value at 0x502 overlaps register.value at 0x500',
      'yes',
    ]);
    expect([await read(0x500), await read(0x700), await read(0xf000_0008, ioreqType.copy)]).toEqual([1n, 3n, 8n]);
    await host.close();
  });

  it('says what is wrong with how a device is attached', async () => {
    const wrong = async (device: string, at: Record<string, number>): Promise<unknown> =>
      await host.attach(device, {}, at).catch((error: unknown) => error);
    expect(await wrong('register', {})).toMatchObject({ code: 'REGION_NOT_PLACED', blame: 'scenario' });
    expect(await wrong('register', { value: 0x500, status: 1 })).toMatchObject({
      code: 'REGION_UNKNOWN',
      message: 'device register has no region status; it has: value',
    });
    expect(await wrong('register', { value: 0xffff })).toMatchObject({ code: 'REGION_OUT_OF_RANGE' });
    expect(await wrong('refusing', { any: 1 })).toMatchObject({ message: expect.stringContaining('no such disk') });
    expect(xen.ranges(id)).toEqual([]);
    await host.close();
  });

  it('says which range Xen refused', async () => {
    xen.failNext('xendevicemodel_map_io_range_to_ioreq_server', 17);
    await expect(host.attach('register', {}, { value: 0x500 })).rejects.toMatchObject({
      ...{ blame: 'scenario', code: 'RANGE_REFUSED' },
      message: expect.stringMatching(/^Xen refused register\.value, ports 0x500 to 0x503: .*\(EEXIST\)$/),
    });
    await host.close();
  });

  it('reaches guest memory, which is unmapped in the end', async () => {
    await host.attach('adder', {}, { command: 0x600, registers: 0xf000_0000 });
    const words = new DataView(xen.memory().buffer);
    words.setUint32(0x3ffe, 41, true);
    await write(0x600, 0x3ffe);
    expect(words.getUint32(0x3ffe, true)).toBe(42);
    expect(xen.held().frames).toBe(2);
    await xen.access(id, 0, { type: ioreqType.invalidate, address: 0, data: allOnes, count: 0 });
    expect(xen.held().frames).toBe(0);
    await write(0x600, 0x3ffe);
    await host.close();
    expect(words.getUint32(0x3ffe, true)).toBe(43);
  });

  it('tells Xen what its devices wrote into guest memory', async () => {
    await host.attach('adder', {}, { command: 0x600, registers: 0xf000_0000 });
    xen.told();
    await write(0x600, 0x3ffe);
    const request = { address: 0x600, isRead: true, dataIsPointer: true, count: 3, size: 2, data: 0x4ffe };
    await xen.access(id, 0, request);
    expect(xen.told()).toEqual([
      ['modified', 3, 2, 0],
      ['modified', 4, 2, 0],
    ]);
    await host.close();
  });

  it('has a PCI function, whose BARs Xen knows of before the guest goes on, and whose lines are released', async () => {
    const device = await host.attach('ioreqlab/pciTest', {}, { function: 0x28 });
    expect([device, xen.pciFunctions(id), xen.ranges(id)]).toEqual([0, [0x28], []]);
    const config = async (offset: number, data: number): Promise<void> => {
      await xen.access(id, 0, { type: ioreqType.pciConfig, address: (0x28n << 32n) | BigInt(offset), data });
    };
    const bar = { memory: true, start: 0xe000_0000, end: 0xe000_0fff };
    await config(0x10, bar.start);
    await config(4, 6);
    expect(xen.ranges(id)).toEqual([bar]);
    await config(0x18, 0xe100_0000);
    const actions = async (address: number, data: number): Promise<void> => {
      await xen.access(id, 0, { ...mmio, address: 0xe100_0000 + address, data });
    };
    xen.told();
    await actions(0, 1);
    expect(xen.told()).toEqual([['intx', 5, 0, 1]]);
    expect(await host.use(device, 'snapshot')).toMatchObject({ state: { line: true, sent: 0 } });
    await config(4, 0);
    expect(xen.ranges(id)).toEqual([]);
    const { counters } = await host.close();
    expect(xen.told()).toEqual([['intx', 5, 0, 0]]);
    expect(counters).toMatchObject({ unclaimed: 0, malformed: 0, undecoded: 0 });
  });

  it('can be asked what its devices are able to do', async () => {
    await expect(host.use(0, 'reset')).rejects.toThrow('no device was attached');
    const none = await host.attach('register', {}, { value: 0x500 });
    const counter = await host.attach('ioreqlab/counter', { first: 7 }, { count: 0x600 });
    expect([none, counter]).toEqual([0, 1]);
    expect(await read(0x600)).toBe(7n);
    const state = await host.use(counter, 'snapshot');
    expect(state).toEqual({ state: { next: 8 }, functions: {} });
    expect(await host.use(counter, 'reset')).toBeUndefined();
    expect(await read(0x600)).toBe(7n);
    await host.use(counter, 'restore', { state: { next: 100 }, functions: {} });
    expect(await read(0x600)).toBe(100n);
    for (const ability of ['reset', 'snapshot', 'restore'] as const) {
      await expect(host.use(none, ability, { state: 0, functions: {} })).rejects.toMatchObject({
        ...{ code: 'ABILITY_MISSING', blame: 'scenario', message: `device register has no ${ability}` },
      });
    }
    await expect(host.use(9, 'reset')).rejects.toThrow('no device 9 was attached');
    await host.close();
  });

  it('that was attached in part leaves nothing behind', async () => {
    await host.attach('register', {}, { value: 0x600 });
    await expect(host.attach('adder', {}, { command: 0x700, registers: -1 })).rejects.toMatchObject({
      code: 'REGION_OUT_OF_RANGE',
    });
    await host.attach('register', { initial: 3 }, { value: 0x700 });
    expect(await read(0x700)).toBe(3n);
    await host.close();
  });

  it('serves many vCPUs at once', async () => {
    await host.attach('register', { initial: 9 }, { value: 0x500 });
    host.setWaiting({ mode: 'spin', cycles: 1_000_000 });
    const vcpu = async (number: number): Promise<void> => {
      for (let i = 0; i < 200; i++) {
        const { data } = await xen.access(id, number, { isRead: true, address: 0x500 });
        if (data !== 9n) expect.fail(`vCPU ${number} read ${data}`);
      }
    };
    await Promise.all([vcpu(0), vcpu(4), vcpu(7)]);
    expect(readTrace((await host.close()).trace)).toHaveLength(600);
  });

  it('is closed although Xen refuses', async () => {
    await host.attach('register', {}, { value: 0x500 });
    xen.failNext('xendevicemodel_set_ioreq_server_state', 3);
    xen.failNext('xendevicemodel_destroy_ioreq_server', 3);
    await expect(host.close()).rejects.toMatchObject({ call: 'xendevicemodel_set_ioreq_server_state', code: 'ESRCH' });
    expect(xen.held().pages).toBe(0);
    xen.clearUp();
  });

  it('is not made when Xen refuses', async () => {
    await host.close();
    xen.failNext('xendevicemodel_set_ioreq_server_state', 3, 2);
    expect(() => new ServerHost(addon, pool, () => undefined)).toThrow(
      expect.objectContaining({ call: 'xendevicemodel_set_ioreq_server_state' }) as Error,
    );
    xen.failNext('xendevicemodel_set_ioreq_server_state', 0, 0);
  });

  it('answers what is open when it is closed without ever having served', async () => {
    xen.post(id, 3, { isRead: true, address: 1, ...mmio });
    const { trace, counters } = await host.close();
    expect(xen.take(id, 3)?.data).toBe(allOnes);
    expect(readTrace(trace)).toMatchObject([{ vcpu: 3, origin: 'closing' }]);
    expect(counters).toBeUndefined();
  });
});

describe('a broken handler', () => {
  beforeEach(async () => {
    await host.attach('register', { initial: 7 }, { value: 0x500 });
    xen.failNext('xendevicemodel_map_io_range_to_ioreq_server', 12);
    await host.attach('register', {}, { value: 0x580 }).catch(() => undefined);
    await host.attach('adder', {}, { command: 0x5c0, registers: -1 }).catch(() => undefined);
    await host.attach('broken', {}, { trigger: 0x600 });
  });

  it('that throws is told of once, with its region, and reads all ones', async () => {
    expect([await read(0x600), await read(0x600), await read(0x500)]).toEqual([allOnes, allOnes, 7n]);
    await until(() => troubles.length > 0);
    expect(troubles).toMatchObject([
      { kind: 'threw', region: 'broken.trigger', message: expect.stringContaining('this handler is broken') },
    ]);
    await host.close();
    expect(troubles).toHaveLength(1);
  });

  it('that does not return is told of, with its region, and nobody waits for it', async () => {
    await write(0x600, 1);
    for (let times = 0; times < 2; times++) host.checkWatchdog();
    const message = 'the handler of broken.trigger did not return';
    expect(troubles).toEqual([{ kind: 'stuck', region: 'broken.trigger', message }]);
    expect(await read(0x500)).toBe(allOnes);
    await expect(host.attach('register', {}, { value: 0x700 })).rejects.toMatchObject({
      ...{ code: 'SERVER_LOST', blame: 'deviceModel', message: `the server serves no more: ${message}` },
    });
    const { counters, trace } = await host.close();
    expect(counters).toBeUndefined();
    expect(readTrace(trace).map(({ origin }) => origin)).toEqual(['watchdog', 'watchdog']);
  });

  it('that keeps an attachment waiting lets it fail', async () => {
    const stuck = write(0x600, 1);
    await until(() => xen.slot(id, 2).state === ioreqState.inProcess);
    const attaching = host.attach('register', {}, { value: 0x700 });
    await stuck;
    host.checkWatchdog();
    await expect(attaching).rejects.toMatchObject({ code: 'SERVER_LOST' });
    await host.close();
  });

  it('that returns late finds its server taken away, and its worker serves again', async () => {
    await write(0x600, 2);
    await until(() => troubles.length > 0);
    expect(troubles).toMatchObject([{ kind: 'stuck', region: 'broken.trigger' }]);
    expect((await host.close()).counters).toMatchObject({
      unclaimed: 0,
      badWidth: 0,
      misaligned: 0,
      malformed: 0,
      undecoded: 0,
    });

    const next = new ServerHost(addon, pool, (trouble) => troubles.push(trouble));
    await next.attach('register', { initial: 5 }, { value: 0x500 });
    expect((await xen.access(next.xenId, 0, { isRead: true, address: 0x500 })).data).toBe(5n);
    await next.close();
    expect(troubles).toHaveLength(1);
  });

  it('that ends its worker loses the server, but the guest gets its answers in the end', async () => {
    const waiting = xen.access(id, 2, { address: 0x600, data: 3 });
    await until(() => troubles.length > 0);
    expect(troubles).toEqual([{ kind: 'failed', region: '', message: 'the worker ended' }]);
    await expect(host.attach('register', {}, { value: 0x700 })).rejects.toMatchObject({
      message: 'the server serves no more: its worker died: the worker ended',
    });
    await host.close();
    expect((await waiting).data).toBe(3n);
  });

  it('is not needed for a server to fail: the event channel may', async () => {
    await xen.waiting(1);
    xen.failNext('xenevtchn_pending', 5);
    xen.sendEvent(id, 0);
    await until(() => troubles.length > 0);
    expect(troubles).toEqual([{ kind: 'failed', region: '', message: 'waiting for an event failed with errno 5' }]);
    await expect(host.attach('register', {}, { value: 0x700 })).rejects.toMatchObject({ code: 'SERVER_LOST' });
    await host.close();
  });
});

describe('the yardstick', () => {
  it('serves instead of devices, never beside them, and leaves its trace', async () => {
    host.attachReference([0x500, 0x600]);
    expect(xen.ranges(id)).toHaveLength(2);
    await write(0x600, 0x77);
    expect(await read(0x600)).toBe(0x77n);
    await expect(host.attach('register', {}, { value: 0x700 })).rejects.toMatchObject({ code: 'SERVER_IN_USE' });
    expect(() => host.attachReference([0x700])).toThrow(expect.objectContaining({ code: 'SERVER_IN_USE' }) as Error);
    const { trace, counters } = await host.close();
    expect([readTrace(trace).length, counters]).toEqual([2, undefined]);

    host = new ServerHost(addon, pool, (trouble) => troubles.push(trouble));
    await host.attach('register', {}, { value: 0x500 });
    expect(() => host.attachReference([0x600])).toThrow(expect.objectContaining({ code: 'SERVER_IN_USE' }) as Error);
    await host.close();
  });
});

describe('a server with options', () => {
  beforeEach(async () => {
    await host.close();
  });
  const make = (options: ServerOptions): ServerHost =>
    (host = new ServerHost(addon, pool, (trouble) => troubles.push(trouble), options));

  it('cannot have a ring and a worker for each vCPU', () => {
    for (const buffered of ['legacy', 'atomic'] as const) {
      expect(() => make({ buffered, workers: 'perVcpu' })).toThrow(
        expect.objectContaining({ blame: 'scenario', code: 'SERVER_OPTIONS_CONFLICT' }) as Error,
      );
    }
  });

  it('makes a device once for each vCPU, which share what they ask for', async () => {
    const { xenId } = make({ workers: 'perVcpu' });
    await host.attach('register', { initial: 7 }, { value: 0x500 });
    await host.attach('tally', {}, { next: 0x600 });
    const read = async (vcpu: number, address: number): Promise<number> =>
      Number((await xen.access(xenId, vcpu, { isRead: true, address })).data);
    // Its own state in each: what one vCPU writes the others do not see.
    await xen.access(xenId, 0, { address: 0x500, data: 9 });
    expect([await read(0, 0x500), await read(1, 0x500)]).toEqual([9, 7]);
    expect(xen.ranges(xenId)).toHaveLength(2);
    const vcpus = Array.from({ length: fakeGuest.vcpus }, (_, vcpu) => vcpu);
    const numbers = await Promise.all(vcpus.map(async (vcpu) => await read(vcpu, 0x600)));
    expect(numbers.toSorted((a, b) => a - b)).toEqual(vcpus);
    const { trace, counters } = await host.close();
    expect(readTrace(trace).map(({ sequence }) => sequence)).toEqual(
      Array.from({ length: 3 + vcpus.length }, (_, i) => i),
    );
    expect(counters).toMatchObject({ unclaimed: 0, malformed: 0 });
  });

  it('refuses a device whose instances do not share the same', async () => {
    make({ workers: 'perVcpu' });
    await expect(host.attach('tally', { random: true }, { next: 0x600 })).rejects.toMatchObject({
      code: 'SHARED_STATE_DIFFERS',
    });
    await host.close();
  });

  it('drops the mappings of all workers, whichever vCPU is told to', async () => {
    const { xenId } = make({ workers: 'perVcpu' });
    await host.attach('adder', {}, { command: 0x600, registers: 0xf000_0000 });
    for (const vcpu of [0, 1, 2]) await xen.access(xenId, vcpu, { address: 0x600, data: 0x3000 + vcpu * 0x1000 });
    expect(xen.held().frames).toBe(3);
    await xen.access(xenId, 1, { type: ioreqType.invalidate, address: 0, data: allOnes, count: 0 });
    expect(xen.held().frames).toBe(2); // the others' go when they are used next
    await xen.access(xenId, 0, { address: 0x600, data: 0x9000 });
    await xen.access(xenId, 2, { address: 0x600, data: 0x9000 });
    expect(xen.held().frames).toBe(2);
    await host.close();
  });

  it('says who is stuck, in which worker, and answers in its place only', async () => {
    const { xenId } = make({ workers: 'perVcpu' });
    await host.attach('register', { initial: 7 }, { value: 0x500 });
    await host.attach('broken', {}, { trigger: 0x600 });
    await xen.access(xenId, 3, { address: 0x600, data: 1 });
    host.checkWatchdog();
    expect(troubles).toMatchObject([{ kind: 'stuck', region: 'broken.trigger' }]);
    expect((await xen.access(xenId, 4, { isRead: true, address: 0x500 })).data).toBe(7n);
    expect((await host.close()).counters).toBeUndefined();
  });

  it('hands entries of the ring to its device before the request that follows', async () => {
    const { xenId } = make({ buffered: 'atomic', waiting: { mode: 'block' } });
    await host.attach('adder', {}, { command: 0x600, registers: 0xf000_0000 });
    await host.attach('register', {}, { value: 0x500 });
    for (let i = 0; i < 100; i++) {
      xen.buffer(xenId, { address: 0x500, data: i });
      expect((await xen.access(xenId, i % 8, { isRead: true, address: 0x500 })).data).toBe(BigInt(i));
    }
    const { trace, counters } = await host.close();
    expect(readTrace(trace).filter(({ isBuffered }) => isBuffered)).toHaveLength(100);
    expect(counters).toMatchObject({ unclaimed: 0, ringDamaged: 0 });
  });

  it('answers everything with one value when it is asked to', async () => {
    const { xenId } = make({ workers: 'perVcpu' });
    host.attachConstant(0x1_2345_6789);
    expect((await xen.access(xenId, 5, { isRead: true, address: 0x77, size: 8, ...mmio })).data).toBe(0x1_2345_6789n);
    expect((await xen.access(xenId, 2, { isRead: true, address: 0x500 })).data).toBe(0x1_2345_6789n);
    await expect(host.attach('register', {}, { value: 0x700 })).rejects.toMatchObject({ code: 'SERVER_IN_USE' });
    await host.close();
  });
});
