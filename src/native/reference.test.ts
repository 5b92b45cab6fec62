import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ioreqType } from '../abi/ioreq.ts';
import { readTrace } from '../trace/record.ts';
import { waitingMode, type ServerHandle } from '../xen/addon.ts';
import { allOnes, fakeGuest, FakeXen } from './fake/fake-xen.ts';

const xen = new FakeXen();
const { addon } = xen;
addon.open(fakeGuest.domid, fakeGuest.vcpus);

let server: ServerHandle;
let id: number;
beforeEach(() => {
  server = addon.createServer();
  id = addon.serverId(server);
  addon.enableServer(server, false);
});
afterEach(() => addon.closeServer(server));

async function read(address: number, size: number): Promise<bigint> {
  const { data } = await xen.access(id, 1, { isRead: true, address, size });
  return BigInt.asUintN(size * 8, data);
}

describe('the reference server', () => {
  it('keeps a register at each port', async () => {
    addon.startReference(server, Uint16Array.of(0x500, 0x600));
    await xen.access(id, 0, { address: 0x500, data: 0x8877_6655 });
    await xen.access(id, 0, { address: 0x600, data: 0x1234_5678 });
    expect([await read(0x500, 4), await read(0x500, 2), await read(0x502, 2)]).toEqual([0x88776655n, 0x6655n, 0x8877n]);
    expect([await read(0x503, 1), await read(0x600, 4)]).toEqual([0x88n, 0x12345678n]);
  });

  it('keeps a register at each address, found among many', async () => {
    const addresses = Float64Array.from({ length: 256 }, (_, i) => 0xf_0000_0000 + ((i * 37) % 256) * 16);
    addon.startReference(server, new Uint16Array(0), addresses);
    const access = async (address: number, more: object): Promise<bigint> =>
      (await xen.access(id, 0, { type: ioreqType.copy, address, ...more })).data;
    for (const [i, address] of addresses.entries()) await access(address, { data: i });
    for (const [i, address] of addresses.entries()) expect(await access(address, { isRead: true })).toBe(BigInt(i));
    const first = addresses[0] ?? 0;
    expect(await access(first + 4, { isRead: true })).toBe(allOnes);
    expect(await access(first, { isRead: true, size: 8 })).toBe(allOnes);
    expect(await access(first + 2, { isRead: true, size: 4 })).toBe(allOnes);
    expect((await xen.access(id, 0, { address: 0, isRead: true })).data).toBe(allOnes);
  });

  it('gives one value to everybody', async () => {
    addon.startConstant(server, 0x1122_3344_5566);
    for (const request of [
      { address: 1 },
      { address: 0xf_0000_0000, type: ioreqType.copy, size: 8 },
      { address: 0x8000_0000, type: ioreqType.pciConfig },
    ]) {
      expect((await xen.access(id, 3, { isRead: true, ...request })).data).toBe(0x1122_3344_5566n);
    }
    expect((await xen.access(id, 3, { address: 1, data: 5 })).data).toBe(5n);
    expect(() => addon.startReference(server, Uint16Array.of(1))).toThrow(/already/);
  });

  it('refuses registers that overlap, and what is no address', () => {
    const eexist = expect.objectContaining({ code: 'EEXIST' }) as Error;
    expect(() => addon.startReference(server, Uint16Array.of(0x500, 0x503))).toThrow(eexist);
    expect(() => addon.startReference(server, Uint16Array.of(1), Float64Array.of(0x1003, 0x1000))).toThrow(eexist);
    for (const addresses of [
      Float64Array.of(-1),
      Float64Array.of(NaN),
      Float64Array.of(2 ** 53),
      new Float64Array(257),
    ]) {
      expect(() => addon.startReference(server, Uint16Array.of(1), addresses)).toThrow(TypeError);
    }
    addon.startReference(server, Uint16Array.of(0x500, 0x504), Float64Array.of(0x1004, 0x1000));
  });

  it('answers what is not its own with all ones, and changes nothing', async () => {
    addon.startReference(server, Uint16Array.of(0x500));
    const read = { isRead: true, address: 0x500 };
    const data = async (request: Parameters<FakeXen['access']>[2]): Promise<bigint> =>
      (await xen.access(id, 0, request)).data;
    expect(await data({ isRead: true, address: 0x504 })).toBe(allOnes);
    expect(await data({ isRead: true, address: 0x1_0500 })).toBe(allOnes);
    expect(await data({ ...read, type: ioreqType.copy })).toBe(allOnes);
    expect(await data({ ...read, dataIsPointer: true, data: 0x77, count: 4 })).toBe(0x77n);
    await data({ address: 0x500, dataIsPointer: true, data: 0x77, count: 4 });
    await data({ address: 0x500, type: ioreqType.copy, data: 0x77 });
    expect(await data(read)).toBe(0n);
  });

  it('serves the last ports there are', async () => {
    addon.startReference(server, Uint16Array.of(0xfffe));
    await xen.access(id, 0, { address: 0xfffe, size: 2, data: 0xbeef });
    expect(await read(0xffff, 1)).toBe(0xben);
  });

  it('goes on when it is interrupted, and ends with its server', async () => {
    addon.startReference(server, Uint16Array.of(0x500));
    await xen.waiting(1);
    addon.setWaiting(server, waitingMode.spin, 10_000_000);
    addon.interruptServer(server);
    await xen.access(id, 0, { address: 0x500, data: 5 });
    expect(await read(0x500, 4)).toBe(5n);
    const spare = addon.createServer();
    addon.closeServer(server);
    await xen.waiting(0);
    server = spare;
  });

  it('records what it did as a handler does', async () => {
    addon.startReference(server, Uint16Array.of(0x500));
    await xen.access(id, 4, { address: 0x500, data: 5 });
    expect(readTrace(new Uint8Array(addon.readTrace(server)))).toMatchObject([
      { origin: 'handler', vcpu: 4, address: 0x500n, data: 5n, answer: 5n, isRead: false },
    ]);
  });

  it('is one for each server, with 1 to 256 ports', () => {
    for (const ports of [new Uint16Array(0), new Uint16Array(257), new Uint8Array(1), [0x500]]) {
      expect(() => addon.startReference(server, ports as Uint16Array)).toThrow(TypeError);
    }
    addon.startReference(server, Uint16Array.of(0x500));
    expect(() => addon.startReference(server, Uint16Array.of(0x500))).toThrow(/already/);
  });
});
