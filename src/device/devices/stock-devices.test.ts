import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { DeviceRig } from '../../server/testing/device-rig.ts';
import { counter, pciTest, pciTestAction, ramWindow, registerFile, stockDevices, uart16550 } from '../index.ts';
import { keptBytes, Uart } from './uart.ts';

let rig: DeviceRig;
beforeEach(() => {
  rig = new DeviceRig();
});

const base = 0x3f8;
const memory = 0xf000_0000;

/** What JSON makes of it: so states travel. */
const travelled = <T>(state: T): T => JSON.parse(JSON.stringify(state)) as T;

describe('every stock device', () => {
  it('has a name that no device of an author can have by chance', () => {
    for (const [name, device] of Object.entries(stockDevices)) expect(device.name).toBe(`ioreqlab/${name}`);
  });

  it('says which option it does not take', () => {
    const wrong: readonly [unknown, Record<string, number | string>, unknown, RegExp][] = [
      [counter, { count: base }, { start: 1 }, /^device counter, options: start: there are only: space, first, step$/],
      [counter, { count: base }, { first: -1 }, /first: expected a whole number from 0 to 4294967295/],
      [ramWindow, { window: memory }, { size: 0 }, /size: expected a whole number from 1/],
      [ramWindow, { window: memory }, { space: 'io' }, /space: expected one of port, memory/],
      [uart16550, { registers: base }, { irq: 16 }, /irq: expected a whole number from 0 to 15/],
      [uart16550, { registers: base }, { input: '\u{100}' }, /input: expected at most 65536 characters/],
      [
        registerFile,
        { registers: base },
        { registers: { a: { offset: 0, width: 3 } } },
        /registers: a: width: expected one/,
      ],
      [registerFile, { registers: base }, { registers: [] }, /registers: expected an object/],
      [registerFile, { registers: base }, { registers: { a: 5 } }, /a: expected an object/],
      [pciTest, { function: '00:05.0' }, { vectors: 3 }, /vectors: expected one of 1, 2, 4/],
      [pciTest, { function: '00:05.0' }, null, /^device pciTest, options: expected an object$/],
    ];
    for (const [device, at, options, message] of wrong) {
      const attach = (): unknown => rig.attach(device, at, options === null ? [] : options);
      expect(attach).toThrow(expect.objectContaining({ blame: 'scenario', code: 'DEVICE_OPTIONS_INVALID' }) as Error);
      expect(attach).toThrow(message);
    }
  });
});

describe('a counter', () => {
  it('counts reads, is set by a write, and wraps', () => {
    const attached = rig.attach(counter, { count: base }, { first: 0xffff_fffe, step: 3 });
    expect([rig.in(base, 4), rig.in(base, 4)]).toEqual([0xffff_fffe, 1]);
    rig.out(base, 2, 0x1234);
    expect([rig.in(base, 2), rig.in(base, 1)]).toEqual([0x1234, 0x37]);
    const state = travelled(attached.snapshot());
    attached.reset();
    expect(rig.in(base, 4)).toBe(0xffff_fffe);
    attached.restore(state);
    expect(rig.in(base, 4)).toBe(0x123a);
  });
});

describe('a RAM window', () => {
  it('is memory, in any width and at any offset', () => {
    const attached = rig.attach(ramWindow, { window: memory }, { size: 64, fill: 0xee });
    const bytes = new DataView(new Uint8Array(64).fill(0xee).buffer);
    const access = fc.record({
      size: fc.constantFrom(1, 2, 4, 8),
      at: fc.nat(63),
      value: fc.bigInt(0n, 2n ** 64n - 1n),
      isRead: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(access), (accesses) => {
        for (const { size, at, value, isRead } of accesses) {
          const offset = Math.min(at, 64 - size);
          const masked = BigInt.asUintN(8 * size, value);
          if (!isRead) {
            rig.store(memory + offset, size, masked);
            for (let i = 0; i < size; i++) bytes.setUint8(offset + i, Number((masked >> BigInt(8 * i)) & 255n));
          }
          let expected = 0n;
          for (let i = size - 1; i >= 0; i--) expected = (expected << 8n) | BigInt(bytes.getUint8(offset + i));
          expect(rig.load(memory + offset, size)).toBe(expected);
        }
      }),
      { numRuns: 50 },
    );
    const state = travelled(attached.snapshot());
    const before = rig.load(memory, 8);
    attached.reset();
    expect(rig.load(memory, 8)).toBe(0xeeee_eeee_eeee_eeeen);
    attached.restore(state);
    expect(rig.load(memory, 8)).toBe(before);
    expect(rig.load(memory + 60, 8)).toBe(2n ** 64n - 1n);
  });
});

describe('a register file', () => {
  const registers = {
    id: { offset: 0, width: 2, reset: 0xcafe, writable: 0 },
    control: { offset: 2, width: 1, reset: 0x81, writable: 0x0f },
    status: { offset: 4, width: 4, reset: 0xf0f0_f0f0, writeOneToClear: 0xffff_0000 },
  } as const;

  it('lets each bit do what its register says', () => {
    const attached = rig.attach(registerFile, { registers: base }, { registers });
    expect([rig.in(base, 4), rig.in(base + 4, 4)]).toEqual([0xff81_cafe, 0xf0f0_f0f0]);
    rig.out(base, 4, 0);
    expect(rig.in(base, 4)).toBe(0xff80_cafe);
    rig.out(base + 4, 4, 0x8000_1234);
    expect(rig.in(base + 4, 4)).toBe(0x70f0_1234);
    rig.out(base + 6, 1, 0xff);
    expect(rig.in(base + 3, 2)).toBe(0x34ff);
    const state = travelled(attached.snapshot());
    expect(state.state).toEqual({ id: 0xcafe, control: 0x80, status: 0x7000_1234 });
    attached.reset();
    expect(rig.in(base + 4, 4)).toBe(0xf0f0_f0f0);
    attached.restore(state);
    expect(rig.in(base + 4, 4)).toBe(0x7000_1234);
  });

  it('may be memory of a size of its own', () => {
    rig.attach(registerFile, { registers: memory }, { registers: {}, space: 'memory', size: 16 });
    expect([rig.load(memory + 12), rig.dispatcher.counters.unclaimed]).toEqual([0xffff_ffffn, 0]);
  });

  it('does not overlap, and fits', () => {
    const attach = (options: object) => () => rig.attach(registerFile, { registers: base }, options);
    expect(attach({ registers: { ...registers, more: { offset: 1, width: 2 } } })).toThrow('more overlaps id');
    expect(attach({ registers, size: 6 })).toThrow('register status lies outside the region of 6 bytes');
  });
});

describe('a 16550', () => {
  const attach = (options: object = {}): ReturnType<DeviceRig['attach']> =>
    rig.attach(uart16550, { registers: base }, options);
  const read = (register: number): number => rig.in(base + register);
  const write = (register: number, value: number): void => rig.out(base + register, 1, value);
  const level = (): unknown[] => rig.takeTold().map(([, irq, value]) => [irq, value]);

  it('is as TABLE I says after a reset', () => {
    attach();
    expect([1, 2, 3, 4, 5, 6, 7].map(read)).toEqual([0, 1, 0, 0, 0x60, 0xb0, 0]);
    expect([rig.in(base, 2), rig.dispatcher.counters.badWidth]).toEqual([0xffff, 1]);
  });

  it('has its divisor behind the access bit, and keeps only the bits that there are', () => {
    attach();
    for (const [register, value] of [
      [3, 0x83],
      [0, 0x0c],
      [1, 0x01],
      [3, 3],
      [1, 0xff],
      [4, 0xff],
      [7, 0xa5],
    ] as const) {
      write(register, value);
    }
    expect([1, 3, 4, 7].map(read)).toEqual([0x0f, 3, 0x1f, 0xa5]);
    write(3, 0x80);
    expect([read(0), read(1)]).toEqual([0x0c, 0x01]);
    write(5, 0xff);
    write(6, 0xff);
    expect(read(5)).toBe(0x60);
  });

  it('sends what is written, as wide as the line control register says', () => {
    const attached = attach();
    write(3, 3);
    for (const byte of [0x48, 0xff]) write(0, byte);
    write(3, 0);
    write(0, 0xff);
    expect(attached.snapshot().state).toMatchObject({ sent: 'H\u{ff}\u{1f}', sentBytes: 3 });
  });

  it('keeps only the newest of what is sent', () => {
    const uart = new Uart();
    uart.write(3, 3);
    for (let i = 0; i < keptBytes + 5; i++) uart.write(0, i);
    const { sent, sentBytes } = uart.snapshot();
    expect([sentBytes, sent.length, sent.charCodeAt(0), sent.charCodeAt(keptBytes - 1)]).toEqual([
      ...[keptBytes + 5, keptBytes, 5, (keptBytes + 4) & 0xff],
    ]);
    const copy = new Uart();
    copy.restore(travelled(uart.snapshot()));
    copy.write(0, 0x21);
    uart.write(0, 0x21);
    expect(copy.snapshot()).toEqual(uart.snapshot());
  });

  it('receives one byte after the other, and with FIFOs many', () => {
    attach({ input: 'abcdefghijklmnopqrstuvwxyz' });
    expect([read(5), read(0), read(5), read(0)]).toEqual([0x61, 0x61, 0x61, 0x62]);
    write(2, 0x01);
    // "c" was in the receiver: turning the FIFOs on empties it.
    const rest = Array.from({ length: 23 }, () => String.fromCharCode(read(0))).join('');
    expect([rest, read(5), read(0)]).toEqual(['defghijklmnopqrstuvwxyz', 0x60, 0]);
  });

  it('loops back, and is overrun when nobody reads', () => {
    attach({ input: 'x' });
    write(3, 3);
    write(2, 1);
    write(4, 0x10);
    for (let i = 0; i < 17; i++) write(0, 0x30 + i);
    expect([read(5), read(5)]).toEqual([0x63, 0x61]);
    expect(Array.from({ length: 17 }, () => read(0))).toEqual([...Array.from({ length: 16 }, (_, i) => 0x30 + i), 0]);
    write(2, 0);
    write(0, 1);
    write(0, 2);
    expect([read(5), read(0), read(5)]).toEqual([0x63, 2, 0x60]);
  });

  it('shows its outputs at its inputs when it loops back, and what has changed', () => {
    attach();
    write(4, 0x1f);
    expect([read(6), read(6)]).toEqual([0xf0 | 0x00, 0xf0]);
    write(4, 0x10);
    expect([read(6), read(6)]).toEqual([0x0f, 0x00]);
    write(4, 0x14);
    // The leading edge of RI is not told.
    expect(read(6)).toBe(0x40);
    write(4, 0x00);
    expect(read(6)).toBe(0xbf);
  });

  it('interrupts by the priorities of TABLE IV', () => {
    attach({ irq: 4 });
    write(2, 0x81);
    write(4, 0x10);
    rig.takeTold();
    write(1, 0x0f);
    expect([level(), read(2), level()]).toEqual([[[4, 1]], 0xc2, []]);
    // Reading has said it; now there are the changes of the modem's lines.
    expect(read(2)).toBe(0xc0);
    read(6);
    expect([read(2), level()]).toEqual([0xc1, [[4, 0]]]);
    for (let i = 0; i < 7; i++) write(0, i);
    expect([level(), read(2)]).toEqual([[[4, 1]], 0xcc]);
    write(0, 7);
    expect(read(2)).toBe(0xc4);
    for (let i = 8; i < 17; i++) write(0, i);
    expect(read(2)).toBe(0xc6);
    read(5);
    expect(read(2)).toBe(0xc4);
    for (let i = 0; i < 9; i++) read(0);
    expect(read(2)).toBe(0xcc);
    for (let i = 0; i < 7; i++) read(0);
    expect([read(2), read(2), level()]).toEqual([0xc2, 0xc1, [[4, 0]]]);
  });

  it('releases its line when it is reset', () => {
    const attached = attach({ irq: 3, input: 'ab' });
    write(1, 1);
    const state = travelled(attached.snapshot());
    attached.reset();
    expect(level()).toEqual([
      [3, 1],
      [3, 0],
    ]);
    attached.restore(state);
    expect([level(), read(0)]).toEqual([[[3, 1]], 0x61]);
  });

  it('has no ISA interrupt in a guest without', () => {
    rig.hasIsa = false;
    expect(() => attach({ irq: 4 })).toThrow(expect.objectContaining({ code: 'ISA_INTERRUPTS_MISSING' }) as Error);
    attach();
  });

  it('takes whatever is done to it: state and line agree with a restored copy', () => {
    const step = fc.record({ register: fc.nat(7), value: fc.option(fc.nat(255)) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.string({ maxLength: 8 }), (steps, input) => {
        let asserted = false;
        const line = {
          level: false,
          set: (next: boolean) => void (asserted = next),
          pulse: () => undefined,
        };
        const uart = new Uart(line, input.replaceAll(/[^\0-\u{ff}]/gu, '?'));
        for (const { register, value } of steps) {
          if (value === null) expect(uart.read(register)).toBeLessThan(256);
          else uart.write(register, value);
        }
        const copy = new Uart();
        copy.restore(travelled(uart.snapshot()));
        expect(copy.snapshot()).toEqual(uart.snapshot());
        const isPending = (uart.read(2) & 1) === 0;
        if (isPending) expect(asserted || (uart.read(2) & 1) === 1).toBe(true);
        for (let register = 0; register < 8; register++) {
          copy.read(2);
          expect(copy.read(register)).toBe(uart.read(register));
          uart.read(2);
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe('a PCI test function', () => {
  const where = '00:04.0';
  const actions = 0x4_0000_0000;
  const enable = (): void => {
    rig.configWrite(where, 0x10, 4, memory);
    rig.configWrite(where, 0x14, 4, 0xc000);
    rig.configWrite(where, 0x1c, 4, 4);
    rig.configWrite(where, 4, 2, 7);
    rig.takeTold();
  };

  it('describes tests, and counts the writes that are as described', () => {
    rig.attach(pciTest, { function: where });
    enable();
    for (const [test, size] of [
      [0, 1],
      [1, 2],
      [2, 4],
    ] as const) {
      rig.store(memory, 1, test);
      expect([rig.load(memory + 1, 1), rig.load(memory + 4), rig.load(memory + 8)]).toEqual([
        BigInt(size),
        0x80n,
        0xfan,
      ]);
      for (const [offset, width, value] of [
        [0x80, size, 0xfa],
        [0x80, size, 0xfb],
        [0x84, size, 0xfa],
        [0x80, 8, 0xfa],
      ] as const) {
        rig.store(memory + offset, width, value);
      }
      expect(rig.load(memory + 12)).toBe(size === 4 ? 2n : 1n);
    }
    rig.out(0xc000, 1, 3);
    expect(rig.in(0xc001)).toBe(0);
    rig.out(0xc000, 1, 0);
    const name = String.fromCharCode(...Array.from({ length: 10 }, (_, i) => rig.in(0xc010 + i)));
    expect(name).toBe('io-write-1');
  });

  it('keeps a register of its own in configuration space', () => {
    const attached = rig.attach(pciTest, { function: where }, { vendor: 0x1af4, device: 0x1234 });
    expect(rig.configRead(where, 0)).toBe(0x1234_1af4);
    rig.configWrite(where, 0x80, 4, 0x4433_2211);
    rig.configWrite(where, 0x82, 1, 0xee);
    rig.configWrite(where, 0x84, 4, 0xffff_ffff);
    expect([rig.configRead(where, 0x80), rig.configRead(where, 0x81, 2), rig.configRead(where, 0x84)]).toEqual([
      ...[0x44ee_2211, 0xee22, 2],
    ]);
    const state = travelled(attached.snapshot());
    attached.reset();
    expect(rig.configRead(where, 0x80)).toBe(0);
    attached.restore(state);
    expect([rig.configRead(where, 0x80), attached.snapshot()]).toEqual([0x44ee_2211, state]);
  });

  it('reaches guest memory, and Xen is told', () => {
    rig.attach(pciTest, { function: where });
    enable();
    const act = (register: keyof typeof pciTestAction, value: number): void =>
      rig.store(actions + pciTestAction[register], 4, value);
    act('addressLow', 0x1ffe);
    act('length', 4);
    act('command', 0x15a);
    expect(rig.guestMemory.readBytes(0x1ffd, 6)).toEqual(Uint8Array.of(0, 0x5a, 0x5a, 0x5a, 0x5a, 0));
    expect(rig.ram.modified).toEqual([[1, 2]]);
    act('addressLow', 0x2000);
    act('command', 2);
    expect(rig.load(actions + pciTestAction.command)).toBe(0xb4n);
    act('addressHigh', 0xffff_ffff);
    act('length', 0xffff_ffff);
    for (const command of [0x100, 2, 0, 0xffff_ffff]) act('command', command);
    act('addressHigh', 1);
    act('command', 2);
    expect(rig.load(actions + pciTestAction.command)).toBe(BigInt(0x1_0000 * 0xff));
    expect(rig.load(actions + pciTestAction.command + 2)).toBe(0xffff_ffffn);
    expect(rig.dispatcher.counters.misaligned).toBe(1);
  });

  it('interrupts, and routes links only where they are', () => {
    rig.attach(pciTest, { function: where });
    enable();
    const act = (register: keyof typeof pciTestAction, value: number): void =>
      rig.store(actions + pciTestAction[register], 4, value);
    act('line', 1);
    for (const value of [0x0b02, 0x1002, 0x0b04, 0xffff_ffff]) act('route', value);
    act('message', 1);
    expect([rig.load(actions), rig.load(actions + 4)]).toEqual([1n, 0n]);
    expect(rig.takeTold()).toEqual([
      ['intx', 4, 0, 1],
      ['link', 2, 11],
    ]);
    rig.lines.release();
    expect(rig.takeTold()).toEqual([
      ['intx', 4, 0, 0],
      ['link', 2, 0],
    ]);
  });

  it('routes no links in a guest without them', () => {
    rig.hasIsa = false;
    rig.attach(pciTest, { function: where });
    enable();
    rig.store(actions + pciTestAction.route, 4, 0x0502);
    expect(rig.takeTold()).toEqual([]);
  });
});
