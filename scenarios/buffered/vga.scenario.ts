/**
 * # Background
 * Single writes to VGA memory, 0xa0000 to 0xbffff, go through the buffered ring of the server that owns them: the vCPU does
 * not wait (stdvga_mem_write in xen/arch/x86/hvm/stdvga.c). When the ring is full, and for reads, it is the vCPU's slot as
 * always. The domain needs XEN_X86_EMU_VGA, which xl gives every HVM guest, whatever its `vga` says.
 *
 * # Method
 * Writes of every width, of which each is read back at once; then many more than the ring has slots, as fast as the guest
 * can; all must arrive in order, and the read that follows must see the last. Both ways in which the ring's pointers count.
 *
 * # A broken Xen
 * would lose writes when the ring is full, or let a later one overtake.
 */
import { expect, readTrace, scenario } from 'ioreqlab/scenario';
import window from '../memory/window.device.ts';

const vga = 0xa0000;
const flood = 1_500;

scenario(
  'writes to VGA memory go through the ring',
  { oracle: 'off because what finds the ring full goes another way, which is checked here', environments: ['hvm'] },
  async ({ guest, deviceModel, record }) => {
    for (const buffered of ['atomic', 'legacy'] as const) {
      await deviceModel.createServer(buffered, { buffered });
      await deviceModel.attach(window, { server: buffered, at: { page: vga } });
      const widths = await guest.run((program) => {
        for (const size of [1, 2, 4, 8] as const) {
          program.store(vga + 0x100, size, 0x12 * size).load(vga + 0x100, size);
        }
        return program;
      });
      expect(widths.results.filter(({ op }) => op === 'load').map(({ value }) => value)).toEqual(
        [1, 2, 4, 8].map((size) => 0x12 * size),
      );
      const flooded = await guest.run((program) =>
        program
          .sample({ count: flood }, (op) => op.store(vga, 4, 0xcafe))
          .store(vga, 4, 0xbeef)
          .load(vga, 4),
      );
      expect(flooded.results[0]?.fault).toBeUndefined();
      expect(flooded.results[2]?.value).toBe(0xbeef);
      await record(`buffered.${buffered}`, flooded.results[0]?.samples ?? new Uint32Array());

      const report = await deviceModel.closeServer(buffered);
      const records = readTrace(report.trace);
      expect(records.slice(0, 8).map(({ isBuffered, isRead, size }) => [isBuffered, isRead, size])).toEqual(
        [1, 2, 4, 8].flatMap((size) => [
          [true, false, size],
          [false, true, size],
        ]),
      );
      const written = records.slice(8).map(({ data, isRead }) => (isRead ? 'read' : Number(data)));
      expect(written).toEqual([...Array<number>(flood).fill(0xcafe), 0xbeef, 'read']);
      expect(records.filter(({ isBuffered }) => isBuffered).length).toBeGreaterThan(flood / 4);
      expect(report.counters).toMatchObject({ unclaimed: 0, malformed: 0, ringDamaged: 0 });
    }
  },
);
