import { describe, expect, it } from 'vitest';
import { pciTestAction } from '../device/index.ts';
import { createTestGuest } from './index.ts';

describe('stock devices through the model of Xen', () => {
  it('counter: every vCPU its own number, and its state travels', async () => {
    await using guest = await createTestGuest({ vcpus: 2 });
    const counter = await guest.attach('counter', { at: { count: 0x5000 }, options: { first: 10, step: 5 } });
    expect([guest.in(0x5000, 4), guest.in(0x5000, 2, { vcpu: 1 }), guest.in(0x5000, 4)]).toEqual([10, 15, 20]);
    const state = await counter.snapshot();
    await counter.reset();
    expect(guest.in(0x5000, 4)).toBe(10);
    await counter.restore(state);
    expect(guest.in(0x5000, 4)).toBe(25);
  });

  it('ramWindow: bytes behind MMIO, by every width and by REP', async () => {
    await using guest = await createTestGuest();
    const window = 0x1000_0000;
    await guest.attach('ramWindow', { at: { window }, options: { space: 'memory', size: 4096 } });
    guest.store(window + 0x101, 8, 0x1122334455667788n);
    expect(guest.load(window + 0x104, 2)).toBe(0x4455);
    guest.memory.writeBytes(0x2000, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
    guest.movs({ source: 0x2000, destination: window, size: 2, count: 4 });
    guest.movs({ source: window, destination: 0x3000, size: 1, count: 8 });
    expect(guest.memory.readBytes(0x3000, 8)).toEqual(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
  });

  it('uart16550: what it receives raises its line, and reading lowers it', async () => {
    await using guest = await createTestGuest({ environment: 'hvm' });
    const uart = await guest.attach('uart16550', { at: { registers: 0x3f8 }, options: { irq: 4, input: 'x' } });
    guest.out(0x3f9, 1, 1); // received data
    expect(guest.interrupts.isa.get(4)).toBe(true);
    expect(guest.in(0x3f8, 1)).toBe('x'.charCodeAt(0));
    expect(guest.interrupts.isa.get(4)).toBe(false);
    // 115200 baud, eight bits.
    guest.out(0x3fb, 1, 0x83);
    guest.out(0x3f8, 1, 1);
    guest.out(0x3f9, 1, 0);
    guest.out(0x3fb, 1, 0x03);
    for (const character of 'hello') guest.out(0x3f8, 1, character.charCodeAt(0));
    expect((await uart.snapshot()).state).toMatchObject({ sent: 'hello' });
  });

  it('pciTest: configuration cycles, BARs, INTx, MSI and DMA', async () => {
    await using guest = await createTestGuest();
    await guest.attach('pciTest', { at: { function: '00:05.0' } });
    const config = guest.config(0, 5, 0);
    expect([config.read(0, 2), config.read(2, 2), config.read(0x3d, 1)]).toEqual([0x1b36, 0x0005, 1]);
    // A function that is not there, and one of a device that is.
    expect(guest.config(0, 6, 0).read(0, 4)).toBe(0xffff_ffff);
    config.write(0x80, 4, 0xcafe);
    expect([config.read(0x80, 4), config.read(0x84, 4)]).toEqual([0xcafe, 1]);

    const actions = 0x1_0000_0000;
    config.write(0x18, 4, actions % 2 ** 32);
    config.write(0x1c, 4, Math.floor(actions / 2 ** 32));
    expect(guest.load(actions + pciTestAction.line, 4)).toBe(0xffff_ffff); // not decoded yet
    config.write(4, 2, 6);
    guest.store(actions + pciTestAction.line, 4, 1);
    expect(guest.interrupts.intx.get('5.0')).toBe(true);
    guest.store(actions + pciTestAction.line, 4, 0);
    expect(guest.interrupts.intx.get('5.0')).toBe(false);

    let msi = config.read(0x34, 1);
    while (msi !== 0 && config.read(msi, 1) !== 5) msi = config.read(msi + 1, 1);
    const is64 = (config.read(msi + 2, 2) & 0x80) !== 0;
    config.write(msi + 4, 4, 0xfee0_0000);
    config.write(msi + (is64 ? 12 : 8), 2, 0x4040);
    config.write(msi + 2, 2, config.read(msi + 2, 2) | 1);
    guest.store(actions + pciTestAction.message, 4, 0);
    expect(guest.interrupts.messages).toEqual([{ address: 0xfee0_0000, data: 0x4040 }]);

    guest.store(actions + pciTestAction.addressLow, 4, 0x2ffe);
    guest.store(actions + pciTestAction.addressHigh, 4, 0);
    guest.store(actions + pciTestAction.length, 4, 4);
    guest.store(actions + pciTestAction.command, 4, 0x15a);
    expect(guest.memory.readBytes(0x2ffd, 6)).toEqual(Uint8Array.of(0, 0x5a, 0x5a, 0x5a, 0x5a, 0));
    expect(guest.trace()[0]).toMatchObject({ type: 2, isRead: true, size: 2, address: 0x28_0000_0000n });
  });

  it('registerFile: registers as they were described', async () => {
    await using guest = await createTestGuest();
    const registers = { status: { offset: 0, width: 4, reset: 0x1234 }, control: { offset: 4, width: 2 } } as const;
    await guest.attach('registerFile', { at: { registers: 0x6000 }, options: { registers } });
    expect(guest.in(0x6000, 4)).toBe(0x1234);
    guest.out(0x6004, 2, 0xbeef);
    expect(guest.in(0x6004, 2)).toBe(0xbeef);
  });
});
