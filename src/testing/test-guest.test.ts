import { describe, expect, it } from 'vitest';
import { defineDevice, memory, port } from '../device/index.ts';
import { createTestGuest } from './index.ts';

/** A byte-wide FIFO, and a page of memory. */
const fifo = defineDevice({
  name: 'fifo',
  regions: { data: port({ size: 4 }), page: memory({ size: 4096 }) },
  create({ first = [] }: { first?: readonly number[] }) {
    const queue = [...first];
    const page = new Uint8Array(4096);
    return {
      data: { read: () => queue.shift() ?? 0, write: (_offset, _size, value) => void queue.push(value) },
      page: {
        read: (offset, size) => {
          let value = 0;
          for (let i = size - 1; i >= 0; i--) value = value * 256 + (page[offset + i] ?? 0);
          return value;
        },
        write: (offset, size, value) => {
          for (let i = 0; i < size; i++) page[offset + i] = (value >>> (8 * i)) & 0xff;
        },
      },
    };
  },
});

const at = { data: 0x5000, page: 0x1000_0000 };

describe('a test guest', () => {
  it('makes every kind of access', async () => {
    await using guest = await createTestGuest({ vcpus: 2 });
    await guest.attach(fifo, { at, options: { first: [7] } });
    expect(guest.in(0x5000, 4)).toBe(7);
    guest.out(0x5000, 2, 0x1234, { vcpu: 1 });
    expect(guest.in(0x5000, 1)).toBe(0x34);
    guest.store(0x1000_0010, 8, 0x1122334455667788n);
    expect(guest.load(0x1000_0010, 8)).toBe(0x1122334455667788n);
    expect(guest.load(0x1000_0011, 2)).toBe(0x6677);
    expect(guest.trace()).toMatchObject([
      { vcpu: 0, size: 4, isRead: true },
      { vcpu: 1, size: 2, isRead: false, data: 0x1234n },
      { vcpu: 0, size: 1, isRead: true, answer: 0x1234n & 0xffn },
      { size: 8, address: 0x1000_0010n, isRead: false },
      { size: 8, isRead: true },
      { size: 2, address: 0x1000_0011n },
    ]);
  });

  it('moves strings between its memory and devices, both ways and both directions', async () => {
    await using guest = await createTestGuest();
    await guest.attach(fifo, { at });
    guest.memory.writeBytes(0x2000, Uint8Array.of(1, 2, 3, 4));
    guest.outs({ port: 0x5000, size: 1, count: 4, address: 0x2000 });
    guest.ins({ port: 0x5000, size: 1, count: 4, address: 0x3013, backward: true });
    expect(guest.memory.readBytes(0x3010, 4)).toEqual(Uint8Array.of(4, 3, 2, 1));
    guest.movs({ source: 0x3010, destination: 0x1000_0ffc, size: 2, count: 2 });
    expect(guest.load(0x1000_0ffc, 4)).toBe(0x01020304);
    guest.stos({ destination: 0x1000_0000, value: 0xabn, size: 1, count: 3 });
    expect(guest.load(0x1000_0000, 4)).toBe(0xababab);
    expect(guest.trace().filter(({ count }) => count > 1)).toMatchObject([
      { count: 4, dataIsPointer: true, isRead: false },
      { count: 4, dataIsPointer: true, isRead: true, backwards: true },
      { count: 2, dataIsPointer: true },
      { count: 3, dataIsPointer: false, data: 0xabn },
    ]);
  });

  it('has the stock devices by name, PCI functions too, and what they are able to do', async () => {
    await using guest = await createTestGuest();
    const uart = await guest.attach('uart16550', { at: { registers: 0x3f8 }, options: { input: 'hi' } });
    expect([guest.in(0x3f8, 1), guest.in(0x3f8, 1)]).toEqual([0x68, 0x69]);
    guest.out(0x3fb, 1, 3);
    guest.out(0x3f8, 1, 0x21);
    const state = await uart.snapshot();
    expect(state.state).toMatchObject({ sent: '!', input: '' });
    await uart.reset();
    expect(guest.in(0x3fb, 1)).toBe(0);
    await uart.restore(state);
    expect(guest.in(0x3fb, 1)).toBe(3);

    await guest.attach('pciTest', { at: { function: '00:07.0' }, server: 'pci' });
    const config = guest.config(0, 7, 0);
    expect([config.read(0, 4), guest.config(0, 6, 0).read(0, 4)]).toEqual([0x0005_1b36, 0xffff_ffff]);
    config.write(0x10, 4, 0xe000_0000);
    config.write(4, 2, 2);
    guest.store(0xe000_0000, 1, 2);
    expect([guest.load(0xe000_0001, 1), guest.load(0xe000_1000, 4)]).toEqual([4, 0xffff_ffff]);
    config.write(0x10, 4, 0xe000_1000);
    expect([guest.load(0xe000_0001, 1), guest.load(0xe000_1001, 1)]).toEqual([0xff, 4]);
    // REP INS on the data port, as Xen passes it on: the same register again and again.
    config.read(0, 4);
    guest.ins({ port: 0xcfc, size: 4, count: 2, address: 0x100 });
    expect(guest.memory.readBytes(0x100, 8)).toEqual(Uint8Array.of(0x36, 0x1b, 5, 0, 0x36, 0x1b, 5, 0));
  });

  it('reads all ones where nobody is, before, beside and after', async () => {
    await using guest = await createTestGuest({ environment: 'hvm', xen: '4.14' });
    expect(guest.in(0x5000, 2)).toBe(0xffff);
    await guest.attach(fifo, { at, server: 'own' });
    expect(guest.in(0x5002, 4)).toBe(0xffff_ffff);
    expect(guest.load(0x1000_1000, 8)).toBe(0xffff_ffff_ffff_ffffn);
    expect(await guest.close('own')).toMatchObject({ xenId: 1, counters: { unclaimed: 0 } });
    expect(guest.in(0x5000, 4)).toBe(0xffff_ffff);
  });

  it('throws what a handler throws, once, after it was answered', async () => {
    const broken = defineDevice({
      name: 'broken',
      regions: { any: port({ size: 1 }) },
      create: () => ({
        any: {
          read: () => {
            throw new Error('out of paper');
          },
        },
      }),
    });
    await using guest = await createTestGuest();
    await guest.attach(broken, { at: { any: 0x70 } });
    expect(() => guest.in(0x70, 1)).toThrow(
      expect.objectContaining({
        ...{ blame: 'deviceModel', code: 'HANDLER_THREW' },
        message: expect.stringMatching(/^the handler of broken.any threw: Error: out of paper/) as string,
      }) as Error,
    );
    expect(guest.trace()).toMatchObject([{ answer: 0xffff_ffff_ffff_ffffn }]);
    expect(guest.in(0x70, 1)).toBe(0xff);
  });

  it('says what cannot be', async () => {
    await expect(createTestGuest({ vcpus: 0 })).rejects.toThrow('vcpus 0: expected 1 to 128');
    await expect(createTestGuest({ memoryMiB: 0.5 })).rejects.toThrow('memoryMiB');
    await expect(createTestGuest({ xen: '4.3' as '4.20' })).rejects.toThrow('4.3');
    await using guest = await createTestGuest();
    await guest.attach(fifo, { at });
    const other = defineDevice({ name: 'fifo', regions: {}, create: () => ({}) });
    await expect(guest.attach(other, { at: {} })).rejects.toThrow(
      expect.objectContaining({ code: 'DEVICE_NAME_TAKEN' }) as Error,
    );
    await expect(guest.attach(fifo, { at })).rejects.toThrow(
      expect.objectContaining({ code: 'REGION_OVERLAP' }) as Error,
    );
    await expect(guest.attach(fifo, { at, server: 'second' })).resolves.toBeDefined();
  });

  it('takes microseconds for an access', async () => {
    await using guest = await createTestGuest();
    await guest.attach(fifo, { at });
    guest.in(0x5000, 4);
    const count = 2_000;
    const start = performance.now();
    for (let i = 0; i < count; i++) guest.in(0x5000, 4);
    // Generous: it is tens of microseconds on a quiet machine.
    expect((performance.now() - start) / count).toBeLessThan(2);
  });
});
