/**
 * # Background
 * Xen passes a misaligned access to a device model as it is, as long as it stays inside a page (hvmemul_phys_mmio_access in
 * xen/arch/x86/hvm/emulate.c), or ports. A device may say that it takes only aligned ones: the library keeps the others
 * away from it, all ones, and counts them.
 *
 * # Method
 * Reads of every width at multiples of it and between them, of ports and of memory.
 *
 * # A broken library
 * would call a handler with an offset that it never has to check.
 */
import { expect, HOLE_BELOW_4G, scenario } from 'ioreqlab/scenario';
import aligned from './aligned.device.ts';

const base = HOLE_BELOW_4G.start;

scenario('handlers see only aligned accesses', async ({ guest, deviceModel }) => {
  await deviceModel.attach(aligned, { at: { ports: 0x5000, page: Number(base) } });
  const seen = await guest.run((program) =>
    program
      .in(0x5002, 2)
      .in(0x5003, 2)
      .in(0x5003, 1)
      .in(0x5004, 4)
      .in(0x5002, 4)
      .load(base + 6n, 2)
      .load(base + 7n, 1)
      .load(base + 8n, 4),
  );
  expect(seen.results.map(({ value }) => value)).toEqual([0x22, 0xffff, 0x31, 0x44, 0xffffffff, 0x62, 0x71, 0x84]);
  const { counters } = await deviceModel.closeServer();
  expect(counters).toMatchObject({ misaligned: 2, badWidth: 0, unclaimed: 0, malformed: 0 });
});
