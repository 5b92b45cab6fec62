/**
 * # Background
 * A read-modify-write of a misaligned operand inside a page is one read and one write of its width, locked or not
 * (hvmemul_rmw in xen/arch/x86/hvm/emulate.c). Across the end of RAM the RAM side is Xen's own, and the device sees its
 * part alone.
 *
 * # Method
 * LOCK ADD, XCHG and NOT of each width at eight alignments, and across the end of RAM with a device behind it, at each
 * distance; against plain memory.
 *
 * # A broken Xen
 * would split or align it, or write to RAM what is the device's.
 */
import { expect, HOLE_BELOW_4G, scenario } from 'ioreqlab/scenario';
import { MemoryProgram } from '../memory/memory-program.ts';
import { onRbx, widths } from '../prefixes/machine-code.ts';

const base = HOLE_BELOW_4G.start + 0x35_0000n;
/** The guest has 64 MiB: RAM below, MMIO from here on. */
const edge = 0x400_0000n;
const rsi = 0x0203_0405_0607_0809n;

scenario('read-modify-write of what is not aligned', async ({ guest, deviceModel }) => {
  await deviceModel.attach('ramWindow', { at: { window: Number(base) } });
  await deviceModel.attach('ramWindow', { server: 'edge', at: { window: Number(edge) } });
  const program = new MemoryProgram();
  let requests = 0;
  for (const start of [base, edge - 8n]) {
    program.store(start, 8, 0xf1f2_f3f4_f5f6_f7f8n).store(start + 8n, 8, 0xe1e2_e3e4_e5e6_e7e8n);
    for (const width of widths) {
      for (let offset = 1n; offset < 9n; offset++) {
        const at = start + offset;
        for (const [opcode, number, isLocked, compute] of [
          [0x00, 6, true, (a: bigint) => a + rsi],
          [0x86, 6, false, () => rsi],
          [0xf6, 2, true, (a: bigint) => ~a],
        ] as const) {
          program.add(
            (one) => one.raw(onRbx(width, [opcode], number, { isLocked }), { registers: { rbx: at, rsi } }),
            (memory) => memory.store(at, width, BigInt.asUintN(8 * width, compute(memory.load(at, width)))),
          );
          if (start === base) requests += 2;
        }
      }
      program.load(start, 8).load(start + 8n, 8);
    }
  }
  const seen = await guest.run(program.build());
  program.check(seen);
  expect(await deviceModel.trace()).toHaveLength(requests + 2 + 2 * widths.length);
  expect((await deviceModel.trace('edge')).every(({ address }) => address >= edge)).toBe(true);
  await expect(seen).toMatchOracle();
});
