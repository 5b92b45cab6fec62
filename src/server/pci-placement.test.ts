import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { ioreqType } from '../abi/ioreq.ts';
import {
  bar,
  defineDevice,
  pciFunction,
  port,
  type MessageInterrupt,
  type PciFunctionOptions,
} from '../device/index.ts';
import type { InterruptLine } from '../device/interrupts.ts';
import { DeviceRig } from './testing/device-rig.ts';

const where = '00:05.0';
let line: InterruptLine;
let messages: MessageInterrupt;
let writes: (readonly [string, number, number, number])[];

const claims: PciFunctionOptions<never> = {
  ...{ vendor: 0x1234, device: 0x5678, class: 0x020304, revision: 9, interruptPin: 'B' },
  ...{ subsystem: { vendor: 0xaaaa, device: 0xbbbb }, msi: { vectors: 4 }, registers: { offset: 0x60, size: 8 } },
};
const card = defineDevice({
  name: 'card',
  regions: {
    pci: pciFunction({
      ...claims,
      bars: {
        ports: bar({ kind: 'io', size: 16 }),
        small: bar({ kind: 'memory32', size: 0x1000 }),
        large: bar({ kind: 'memory64', size: 2 ** 33, prefetchable: true }),
      },
    }),
  },
  create(_options: object, { interrupts }) {
    line = interrupts.intx();
    messages = interrupts.msi('pci');
    const handler = (name: string) => ({
      read: (offset: number) => offset + name.length,
      write: (offset: number, size: number, value: number) => void writes.push([name, offset, size, value]),
    });
    return {
      pci: {
        bars: { ports: handler('ports'), small: handler('small'), large: handler('large') },
        config: handler('config'),
      },
      reset: () => line.set(false),
      snapshot: () => 'mine',
      restore: () => undefined,
    };
  },
});

let rig: DeviceRig;
beforeEach(() => {
  rig = new DeviceRig();
  writes = [];
});
const read = (offset: number, size = 4): number => rig.configRead(where, offset, size);
const write = (offset: number, size: number, value: number): void => rig.configWrite(where, offset, size, value);

describe('the configuration space', () => {
  beforeEach(() => void rig.attach(card, { pci: where }));

  it('says what the function is', () => {
    expect([read(0), read(8), read(0xc), read(0x2c)]).toEqual([0x5678_1234, 0x0203_0409, 0, 0xbbbb_aaaa]);
    expect([read(0x34, 1), read(0x3c, 2), read(6, 2)]).toEqual([0x40, 0x0200, 0x10]);
    expect([0x10, 0x14, 0x18, 0x1c, 0x20, 0x30].map((offset) => read(offset))).toEqual([1, 0, 12, 0, 0, 0]);
    expect(read(0x40)).toBe(0x0084_0005);
  });

  it('lets only what is writable be written', () => {
    for (let offset = 0; offset < 256; offset += 4) if (offset < 0x60 || offset >= 0x68) write(offset, 4, 0xffff_ffff);
    expect([read(0), read(4), read(8), read(0xc)]).toEqual([0x5678_1234, 0x0010_0547, 0x0203_0409, 0xffff]);
    expect([read(0x2c), read(0x30), read(0x34), read(0x3c)]).toEqual([0xbbbb_aaaa, 0, 0x40, 0x02ff]);
    expect([read(0x40), read(0x44), read(0x48), read(0x4c)]).toEqual([0x00f5_0005, 0xffff_fffc, 0xffff_ffff, 0xffff]);
    expect([0x28, 0x50, 0x68, 0xfc].map((offset) => read(offset))).toEqual([0, 0, 0, 0]);
  });

  it('tells the sizes of BARs, and decodes none meanwhile', () => {
    write(4, 2, 3);
    for (const offset of [0x10, 0x14, 0x18, 0x1c]) write(offset, 4, 0xffff_ffff);
    expect([0x10, 0x14, 0x18, 0x1c].map((offset) => read(offset))).toEqual([
      ...[0xffff_fff1, 0xffff_f000, 0x0000_000c, 0xffff_fffe],
    ]);
    expect(rig.takeTold()).toEqual([]);
    expect(rig.dispatcher.counters.undecoded).toBe(0);
  });

  it('takes parts, and accesses across registers, as Xen passes them on', () => {
    write(0x15, 1, 0x20);
    write(0x16, 2, 0xe000);
    expect(read(0x14)).toBe(0xe000_2000);
    expect(read(0x2e, 4)).toBe(0x0000_bbbb);
    expect([read(0xfe), read(0xff, 1), read(0xff, 2)]).toEqual([0xffff_0000, 0, 0xff00]);
    write(0xff, 4, 0);
    expect(read(0x100)).toBe(0xffff_ffff);
    expect(rig.dispatcher.counters).toMatchObject({ unclaimed: 1, malformed: 0 });
  });

  it('gives the device its own registers', () => {
    write(0x64, 4, 0xdead_beef);
    write(0x61, 1, 0x77);
    expect([read(0x60), read(0x66, 2)]).toEqual([6, 12]);
    // Half the library's, half the device's.
    expect(read(0x5e)).toBe(0x0706_0000);
    write(0x66, 4, 0x4433_2211);
    expect(writes).toEqual([
      ...([
        ['config', 4, 4, 0xdead_beef],
        ['config', 1, 1, 0x77],
      ] as const),
      ...([
        ['config', 6, 1, 0x11],
        ['config', 7, 1, 0x22],
      ] as const),
    ]);
  });

  it('can be read by REP INS', () => {
    rig.dispatch(5 * 8 * 2 ** 32, { type: 2, count: 3, pointer: 0x1000 });
    expect([0, 4, 8].map((at) => rig.guestMemory.read(0x1000 + at, 4))).toEqual(Array(3).fill(0x5678_1234));
  });
});

describe('BARs', () => {
  it('are regions where the guest puts them, and Xen knows before the write is answered', () => {
    rig.attach(card, { pci: where });
    write(0x10, 4, 0xc000);
    write(0x14, 4, 0xe000_0000);
    write(0x18, 8 / 2, 0);
    write(0x1c, 4, 4);
    expect(rig.takeTold()).toEqual([]);
    write(4, 2, 1);
    expect(rig.takeTold()).toEqual([['map', false, 0xc000, 0xc00f]]);
    write(4, 2, 3);
    expect(rig.takeTold()).toEqual([
      ['map', true, 0xe000_0000, 0xe000_0fff],
      ['map', true, 4 * 2 ** 32, 6 * 2 ** 32 - 1],
    ]);
    expect([rig.in(0xc003), rig.load(0xe000_0010), rig.load(5 * 2 ** 32)]).toEqual([8, 0x15n, 5n]);
    rig.store(0xe000_0ffc, 4, 7);
    expect(writes).toEqual([['small', 0xffc, 4, 7]]);
    expect(rig.dispatcher.current).toBe('card.pci.small');

    write(0x14, 4, 0xe100_0000);
    expect(rig.takeTold()).toEqual([
      ['unmap', true, 0xe000_0000, 0xe000_0fff],
      ['map', true, 0xe100_0000, 0xe100_0fff],
    ]);
    expect([rig.load(0xe000_0000), rig.load(0xe100_0000)]).toEqual([0xffff_ffffn, 5n]);
    write(4, 2, 0);
    expect(rig.takeTold().map(([what]) => what)).toEqual(['unmap', 'unmap', 'unmap']);
    expect(rig.in(0xc000)).toBe(0xff);
  });

  it('over something else are not decoded, are counted once, and get their place when it is free', () => {
    const fixed = defineDevice({
      name: 'f',
      regions: { r: port({ size: 4 }) },
      create: () => ({ r: { read: () => 0x66 } }),
    });
    rig.attach(fixed, { r: 0xc008 });
    rig.attach(card, { pci: where });
    rig.attach(card, { pci: '00:06.0' });
    for (const one of [where, '00:06.0']) {
      rig.configWrite(one, 0x14, 4, 0xe000_0000);
      rig.configWrite(one, 4, 2, 3);
    }
    write(0x10, 4, 0xc000);
    write(0x3c, 1, 5);
    write(0x0c, 4, 0);
    write(4, 2, 0x403);
    expect(rig.takeTold()).toEqual([['map', true, 0xe000_0000, 0xe000_0fff]]);
    expect(rig.dispatcher.counters.undecoded).toBe(2);
    expect([rig.in(0xc000), rig.in(0xc008)]).toEqual([0xff, 0x66]);
    write(0x14, 4, 0);
    expect(rig.takeTold()).toEqual([
      ['unmap', true, 0xe000_0000, 0xe000_0fff],
      ['map', true, 0xe000_0000, 0xe000_0fff],
    ]);
    rig.load(0xe000_0000);
    expect(rig.dispatcher.counters.undecoded).toBe(2);
  });

  it('that Xen refuses are not decoded', () => {
    rig.attach(card, { pci: where });
    write(0x14, 4, 0xe000_0000);
    rig.isRefusing = true;
    write(4, 2, 3);
    expect([rig.load(0xe000_0000), rig.dispatcher.counters.undecoded]).toEqual([0xffff_ffffn, 1]);
    rig.isRefusing = false;
    write(0x10, 4, 0xd000);
    expect(rig.takeTold()).toEqual([
      ['map', false, 0xd000, 0xd00f],
      ['map', true, 0xe000_0000, 0xe000_0fff],
    ]);
    rig.isRefusing = true;
    write(4, 2, 0);
    expect(rig.load(0xe000_0000)).toBe(0xffff_ffffn);
  });
});

describe('interrupts of a function', () => {
  beforeEach(() => void rig.attach(card, { pci: where }));

  it('follow the line unless the guest has disabled them, and show in the status', () => {
    line.set(true);
    line.set(true);
    expect(rig.takeTold()).toEqual([['intx', 5, 1, 1]]);
    expect([read(6, 2), line.level]).toEqual([0x18, true]);
    write(4, 2, 0x400);
    expect([rig.takeTold(), read(6, 2)]).toEqual([[['intx', 5, 1, 0]], 0x18]);
    line.set(false);
    line.set(true);
    expect(rig.takeTold()).toEqual([]);
    write(4, 2, 0);
    line.set(false);
    expect([rig.takeTold(), read(6, 2)]).toEqual([
      [
        ['intx', 5, 1, 1],
        ['intx', 5, 1, 0],
      ],
      0x10,
    ]);
  });

  it('share a line with other functions of the device', () => {
    const first = line;
    rig.attach(card, { pci: '00:05.1' });
    first.set(true);
    line.set(true);
    first.set(false);
    expect(rig.takeTold()).toEqual([['intx', 5, 1, 1]]);
    rig.lines.release();
    expect(rig.takeTold()).toEqual([['intx', 5, 1, 0]]);
  });

  it('are messages when the guest wants them, with the vector in the low bits', () => {
    expect([messages.isEnabled, messages.fire()]).toEqual([false, false]);
    write(0x44, 4, 0xfee0_1000);
    write(0x4c, 2, 0x4347);
    write(0x42, 2, 0x0021);
    expect(messages.fire()).toBe(false);
    write(4, 2, 4);
    expect([0, 1, 2, 3, 5].map((vector) => messages.fire(vector))).toEqual([true, true, true, true, true]);
    expect(rig.takeTold()).toEqual([0, 1, 2, 3, 1].map((vector) => ['msi', 0xfee0_1000, 0x4344 + vector]));
    write(0x42, 2, 0x0071);
    messages.fire(7);
    expect(rig.takeTold()).toEqual([['msi', 0xfee0_1000, 0x4347]]);
    rig.isRefusing = true;
    expect(messages.fire()).toBe(false);
    rig.isRefusing = false;
    write(0x48, 4, 0xffff_ffff);
    expect(messages.fire()).toBe(false);
  });
});

describe('a device with a PCI function', () => {
  it('is reset and restored with its configuration space', () => {
    const attached = rig.attach(card, { pci: where });
    write(0x14, 4, 0xe000_0000);
    write(4, 2, 2);
    line.set(true);
    const state = JSON.parse(JSON.stringify(attached.snapshot())) as ReturnType<typeof attached.snapshot>;
    rig.takeTold();
    attached.reset();
    expect([read(4), read(0x14)]).toEqual([0x0010_0000, 0]);
    expect(rig.takeTold()).toEqual([
      ['intx', 5, 1, 0],
      ['unmap', true, 0xe000_0000, 0xe000_0fff],
    ]);
    attached.restore({
      ...state,
      functions: { pci: state.functions['pci']?.map((byte, i) => (i < 4 ? 0x99 : byte)) ?? [] },
    });
    expect(rig.takeTold()).toEqual([['map', true, 0xe000_0000, 0xe000_0fff]]);
    expect([read(0), state.state]).toEqual([0x5678_1234, 'mine']);
  });

  it('tells Xen its function, and the names of its BARs', () => {
    const attached = rig.attach(card, { pci: '00:1f.7' });
    expect(attached.ranges).toEqual([{ label: 'card.pci', kind: 'pci', start: 0xff, end: 0xff }]);
    expect(attached.labels.map(([, label]) => label)).toEqual([
      'card.pci',
      'card.pci.ports',
      'card.pci.small',
      'card.pci.large',
    ]);
  });

  it('is alone at its address, and where Xen has lines', () => {
    rig.attach(card, { pci: where });
    const attach = (at: string) => () => rig.attach(card, { pci: at });
    expect(attach(where)).toThrow('card.pci is at the PCI address of card.pci');
    expect(attach('01:00.0')).toThrow(expect.objectContaining({ code: 'PCI_ADDRESS_INVALID' }) as Error);
    for (const text of ['', '5', '00:20.0', '00:05.8', '1:00:05.0:', '00:5.0x', 'zz:00.0']) {
      expect(attach(text)).toThrow(
        expect.objectContaining({ code: 'PCI_ADDRESS_INVALID', blame: 'scenario' }) as Error,
      );
    }
  });

  it('cannot claim what no function can', () => {
    const of = (options: object) => () => pciFunction({ ...claims, ...options });
    for (const make of [
      of({ vendor: 0x1_0000 }),
      of({ class: -1 }),
      of({ revision: 1.5 }),
      of({ interruptPin: 'E' }),
      of({ msi: { vectors: 3 } }),
      of({ msi: { offset: 0x5c } }),
      of({ registers: { offset: 0x3c, size: 8 } }),
      of({ registers: { offset: 0xf8, size: 16 } }),
      of({ bars: Object.fromEntries([1, 2, 3, 4].map((i) => [`b${i}`, bar({ kind: 'memory64', size: 16 })])) }),
      () => bar({ kind: 'io', size: 512 }),
      () => bar({ kind: 'io', size: 16, prefetchable: true }),
      () => bar({ kind: 'memory32', size: 48 }),
      () => bar({ kind: 'memory32', size: 8 }),
      () => bar({ kind: 'memory64', size: 64, widths: [16 as 8] }),
    ]) {
      expect(make).toThrow(expect.objectContaining({ blame: 'scenario', code: 'REGION_INVALID' }) as Error);
    }
  });

  it('has no interrupts that it did not declare', () => {
    const bare = defineDevice({
      name: 'bare',
      regions: { pci: pciFunction({ vendor: 1, device: 2, class: 3 }) },
      create({ what }: { what: 'intx' | 'msi' | 'other' | 'isa' | 'link' }, { interrupts }) {
        if (what === 'intx') interrupts.intx();
        else if (what === 'msi') interrupts.msi();
        else if (what === 'other') interrupts.intx('nothing');
        else if (what === 'isa') interrupts.isa(16);
        else interrupts.setPciLinkRoute(4, 1);
        return { pci: { bars: {} } };
      },
    });
    for (const what of ['intx', 'msi', 'other', 'isa', 'link']) {
      expect(() => rig.attach(bare, { pci: where }, { what })).toThrow(
        expect.objectContaining({ code: 'INTERRUPT_INVALID', blame: 'scenario' }) as Error,
      );
    }
  });
});

describe('whatever a guest writes', () => {
  const steps = fc.array(
    fc.record({
      where: fc.constantFrom(where, '00:06.0'),
      offset: fc.oneof(fc.constantFrom(4, 5, 0x10, 0x14, 0x18, 0x1c, 0x42, 0x44), fc.nat(0x102)),
      size: fc.constantFrom(1, 2, 4),
      value: fc.oneof(
        fc.constantFrom(0, 1, 2, 3, 7, 0x400, 0xc000, 0xe000_0000, 0xffff_ffff),
        fc.integer({ min: 0, max: 0xffff_ffff }),
      ),
      isRefused: fc.boolean(),
    }),
    { maxLength: 40 },
  );

  it('nothing throws, and what is decoded is just what Xen was given, without overlaps', () => {
    fc.assert(
      fc.property(steps, (writesOf) => {
        rig = new DeviceRig();
        const devices = [rig.attach(card, { pci: where }), rig.attach(card, { pci: '00:06.0' })];
        const owned = new Set<string>();
        const note = (): void => {
          for (const [what, ...range] of rig.takeTold()) {
            if (what === 'map') owned.add(range.join());
            else if (what === 'unmap') expect(owned.delete(range.join())).toBe(true);
          }
        };
        for (const { where: at, offset, size, value, isRefused } of writesOf) {
          rig.isRefusingMaps = isRefused;
          rig.configWrite(at, offset, size, value);
          note();
        }
        rig.isRefusingMaps = false;
        const ranges = [...owned].map((text) => text.split(','));
        for (const [memory, start = '', end = ''] of ranges) {
          const type = memory === 'true' ? ioreqType.copy : ioreqType.pio;
          const others = ranges.filter(([kind, from]) => kind === memory && from !== start);
          expect(others.some(([, from, to]) => Number(from) <= Number(end) && Number(to) >= Number(start))).toBe(false);
          expect(rig.dispatch(Number(start), { type, size: 1 })).not.toBe(2n ** 64n - 1n);
          expect(rig.dispatch(Number(end), { type, size: 1 })).not.toBe(2n ** 64n - 1n);
        }
        expect(rig.dispatcher.counters.malformed).toBe(0);
        // Identity and sizes are the declaration's for ever.
        expect([read(0), read(8) >>> 8, read(0x14) & 0xfff, read(0x10) & 15]).toEqual([0x5678_1234, 0x02_0304, 0, 1]);
        for (const device of devices) device.reset();
        note();
        expect(owned.size).toBe(0);
      }),
      { numRuns: 300 },
    );
  });
});
