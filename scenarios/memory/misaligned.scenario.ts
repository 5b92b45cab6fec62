/**
 * # Background
 * Inside a page Xen makes one request of 1, 2, 4 or 8 bytes, wherever it begins: nothing is aligned
 * (hvmemul_phys_mmio_access in xen/arch/x86/hvm/emulate.c begins with the largest power of two that is left).
 *
 * # Method
 * Loads and stores of each width at sixteen offsets in a row, below and above 4 GiB, against plain memory.
 *
 * # A broken Xen
 * would split an access at its natural alignment, or lose bytes of it.
 */
import { expect, HOLE_ABOVE_4G, HOLE_BELOW_4G, scenario } from 'ioreqlab/scenario';
import { MemoryProgram } from './memory-program.ts';

scenario('each width at each alignment', async ({ guest, deviceModel }) => {
  const program = new MemoryProgram();
  let value = 0x8f7e_6d5c_4b3a_2918n;
  const bases = [HOLE_BELOW_4G.start + 0x7000n, HOLE_ABOVE_4G.end - 0x1000n];
  for (const base of bases) {
    await deviceModel.attach('ramWindow', { at: { window: Number(base) } });
    for (let i = 0n; i < 24n; i += 8n) program.store(base + 0x7f8n + i, 8, value + i);
    for (const width of [1, 2, 4, 8] as const) {
      for (let offset = 0n; offset < 16n; offset++) {
        value = BigInt.asUintN(64, value * 0x9e37_79b9n + 0x7f4a_7c15n);
        program.store(base + 0x7f8n + offset, width, value).load(base + 0x7f8n + offset, width);
      }
    }
    for (let i = 0n; i < 24n; i += 8n) program.load(base + 0x7f8n + i, 8);
  }
  const seen = await guest.run(program.build());
  program.check(seen);
  // One request for each access.
  expect(await deviceModel.trace()).toHaveLength(seen.results.length);
  await expect(seen).toMatchOracle();
});
