/**
 * # Background
 * With bit 31 of port 0xcf8 set, Xen turns accesses to 0xcfc..0xcff into PCI_CONFIG requests for the server that owns the
 * function (ioreq_server_get_type_addr in xen/arch/x86/hvm/ioreq.c), in PVH guests too, which have no other PCI. What the
 * guest writes to a BAR has to move a range of the server before the write is answered.
 *
 * # Method
 * The guest finds the function, sizes and programs its BARs, uses them, moves one, raises its INTx line and sends a
 * message, and lets it write and read guest memory. The line shows in the function's status register and, in an HVM
 * guest, through a routed link in the virtual 8259; the message as the request bit of its vector in the local APIC.
 *
 * # A broken Xen
 * would give configuration cycles to another function, keep a range where it was, or lose an interrupt.
 */
import { pciTestAction } from 'ioreqlab/device';
import { expect, HOLE_ABOVE_4G, HOLE_BELOW_4G, scenario, SCRATCH, type ProgramBuilder } from 'ioreqlab/scenario';

const device = 5;
const io = 0xc100;
const memory = Number(HOLE_BELOW_4G.start);
const moved = memory + 0x1_0000;
const actions = Number(HOLE_ABOVE_4G.start);
const action = (register: keyof typeof pciTestAction): number => actions + pciTestAction[register];

/** Configuration cycles as a guest makes them. */
const select = (program: ProgramBuilder, offset: number): ProgramBuilder =>
  program.out(0xcf8, 4, (0x8000_0000 | (device << 11) | (offset & 0xfc)) >>> 0);
const read = (program: ProgramBuilder, offset: number, size: 1 | 2 | 4 = 4): ProgramBuilder =>
  select(program, offset).in(0xcfc + (offset & 3), size);
const write = (program: ProgramBuilder, offset: number, size: 1 | 2 | 4, value: number): ProgramBuilder =>
  select(program, offset).out(0xcfc + (offset & 3), size, value);

scenario(
  'a PCI function is found, placed, moved, and interrupts',
  { oracle: 'off because the device writes what the guest reads' },
  async ({ guest, deviceModel, params }) => {
    const attached = await deviceModel.attach('pciTest', { at: { function: `00:05.0` } });
    /** The values of every second operation: what follows the selection of a register. */
    const ask = async (build: (program: ProgramBuilder) => ProgramBuilder): Promise<number[]> =>
      (await guest.run(build)).results.filter((_, i) => i % 2 === 1).map(({ value }) => value);

    expect(await ask((p) => [0, 8, 0x2c, 0x3c].reduce((program, offset) => read(program, offset), p))).toEqual([
      ...[0x0005_1b36, 0xff00_0000, 0x0005_1b36, 0x0000_0100],
    ]);
    expect(await ask((p) => read(read(read(p, 2, 2), 3, 1), 0x0b, 1))).toEqual([0x0005, 0x00, 0xff]);

    const sized = await ask((p) => {
      for (const offset of [0x10, 0x14, 0x18, 0x1c]) read(write(p, offset, 4, 0xffff_ffff), offset);
      return p;
    });
    expect([1, 3, 5, 7].map((i) => sized[i])).toEqual([0xffff_f000, 0xffff_ff01, 0xffff_f004, 0xffff_ffff]);

    const place = (p: ProgramBuilder, at: number): ProgramBuilder => write(p, 0x10, 4, at);
    const used = await guest.run((p) => {
      place(p, memory);
      write(p, 0x14, 4, io);
      write(p, 0x18, 4, actions % 2 ** 32);
      write(p, 0x1c, 4, Math.floor(actions / 2 ** 32));
      p.load(memory + 1, 1).in(io + 1, 1);
      write(p, 4, 2, 7);
      // Test 2 of the memory BAR is a write of 4 bytes, test 0 of the I/O BAR one of a byte.
      p.store(memory, 1, 2)
        .load(memory + 1, 1)
        .load(memory + 4, 4)
        .load(memory + 8, 4);
      p.store(memory + 0x80, 4, 0xfa)
        .store(memory + 0x80, 2, 0xfa)
        .store(memory + 0x80, 4, 0xfa)
        .load(memory + 12, 4);
      p.out(io, 1, 0)
        .in(io + 1, 1)
        .out(io + 0x80, 1, 0xfa)
        .in(io + 12, 4);
      place(p, moved);
      return p
        .load(memory + 1, 1)
        .load(moved + 1, 1)
        .load(moved + 12, 4);
    });
    expect(used.results.slice(8, 10).map(({ value }) => value)).toEqual([0xff, 0xff]);
    expect([13, 14, 15, 19, 21, 23].map((i) => used.results[i]?.value)).toEqual([4, 0x80, 0xfa, 2, 1, 1]);
    expect(used.results.slice(-3).map(({ value }) => value)).toEqual([0xff, 4, 2]);

    // DMA, also across frames: the function writes and reads guest memory at SCRATCH.
    const at = Number(SCRATCH.start) + 0xf00;
    const dma = await guest.run((p) => {
      p.fill(SCRATCH.start, 0x2000, 0x11).store(action('addressLow'), 4, at).store(action('addressHigh'), 4, 0);
      p.store(action('length'), 4, 0x200)
        .store(action('command'), 4, 0x1a5)
        .read(at - 1, 0x202);
      return p.store(action('command'), 4, 2).load(action('command'), 4);
    });
    const expected = new Uint8Array(0x202).fill(0xa5);
    expected[0] = expected[0x201] = 0x11;
    expect(dma.results[5]?.bytes).toEqual(expected);
    expect(dma.results[7]?.value).toBe(0x200 * 0xa5);

    const raised = await ask((p) => {
      p.store(action('line'), 4, 1).load(action('line'), 4);
      read(p, 6, 2);
      p.store(action('line'), 4, 0).load(action('line'), 4);
      return read(p, 6, 2);
    });
    expect(raised).toEqual([1, 0x18, 0, 0x10]);

    // Its INTA# is link (5 + 0) & 3, which we route to IRQ 11: bit 3 of the slave 8259, which a PVH guest does not have.
    if (params['environment'] === 'hvm') {
      const routed = await guest.run((p) =>
        p
          .out(0xa0, 1, 0x0a)
          .store(action('line'), 4, 1)
          .in(0xa0, 1)
          .store(action('route'), 4, 0x0b01)
          .in(0xa0, 1)
          .store(action('line'), 4, 0)
          .in(0xa0, 1)
          .store(action('route'), 4, 0x0001),
      );
      expect([2, 4, 6].map((i) => (routed.results[i]?.value ?? 0) & 8)).toEqual([0, 8, 0]);
    }

    // The local APIC: enabled by its spurious vector register, request bits of 32 vectors every 16 bytes from 0x200 on.
    const apic = 0xfee0_0000;
    const requests = async (): Promise<number[]> => {
      const seen = await guest.run((p) => {
        p.store(apic + 0xf0, 4, 0x1ff);
        for (let word = 1; word < 8; word++) p.load(apic + 0x200 + 0x10 * word, 4);
        return p;
      });
      return seen.results.slice(1).map(({ value }) => value);
    };
    const before = await requests();
    // A group of four vectors of which none is asked for.
    const group = [...Array(48).keys()]
      .map((i) => 0x30 + 4 * i)
      .find((v) => (((before[(v >> 5) - 1] ?? -1) >>> (v & 31)) & 15) === 0);
    expect(group).toBeDefined();
    const vector = group ?? 0;
    await guest.run((p) => {
      write(p, 0x44, 4, apic);
      write(p, 0x48, 4, 0);
      write(p, 0x4c, 2, vector);
      p.store(action('message'), 4, 0);
      write(p, 0x42, 2, 0x21);
      return p.store(action('message'), 4, 2);
    });
    const after = await requests();
    const changed = after.map((word, i) => (word ^ (before[i] ?? 0)) >>> 0);
    expect(changed[(vector >> 5) - 1]).toBe((1 << ((vector + 2) & 31)) >>> 0);
    expect(changed.filter((word) => word !== 0)).toHaveLength(1);
    expect((await attached.snapshot()).state).toMatchObject({ line: false, sent: 1 });

    // DMA to where the guest has no memory: all ones, and nothing is written. Xen took note of all other frames.
    const missing = await guest.run((p) => {
      p.store(action('addressLow'), 4, memory).store(action('length'), 4, 4);
      return p.store(action('command'), 4, 0x100).store(action('command'), 4, 2).load(action('command'), 4);
    });
    expect(missing.results[4]?.value).toBe(4 * 0xff);
    const { counters } = await deviceModel.closeServer();
    expect(counters).toMatchObject({ memoryMisses: 2, untold: 0, undecoded: 0, malformed: 0, badWidth: 0 });
  },
);
