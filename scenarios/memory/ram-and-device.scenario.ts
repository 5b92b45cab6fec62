/**
 * # Background
 * Of an access across the end of RAM Xen reads or writes the RAM part itself and makes requests of the rest (linear_read and
 * linear_write in xen/arch/x86/hvm/emulate.c); a write has changed RAM before the device hears of it.
 *
 * # Method
 * Loads and stores of each width at each distance across the end of RAM into a device's first bytes, against plain memory;
 * the RAM part also by loads that are RAM alone.
 *
 * # A broken Xen
 * would give all of it to the device, leave RAM as it was, or take the wrong bytes of the value for each side.
 */
import { expect, scenario } from 'ioreqlab/scenario';
import { MemoryProgram } from './memory-program.ts';

/** The guest has 64 MiB: RAM below, MMIO from here on. */
const edge = 0x400_0000n;

scenario('RAM on one side, a device on the other', async ({ guest, deviceModel }) => {
  await deviceModel.attach('ramWindow', { at: { window: Number(edge) } });
  const program = new MemoryProgram();
  program.store(edge - 8n, 8, 0x5051_5253_5455_5657n).store(edge, 8, 0x6061_6263_6465_6667n);
  for (const width of [2, 4, 8] as const) {
    for (let before = 1n; before < BigInt(width); before++) {
      program
        .load(edge - before, width)
        .store(edge - before, width, 0xfedc_ba98_7654_3210n + before)
        .load(edge - 8n, 8)
        .load(edge, 8);
    }
  }
  const seen = await guest.run(program.build());
  program.check(seen);
  expect((await deviceModel.trace()).every(({ address }) => address >= edge)).toBe(true);
  await expect(seen).toMatchOracle();
});
