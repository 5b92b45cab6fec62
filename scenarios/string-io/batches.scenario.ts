/**
 * # Background
 * Xen hands repetitions over in batches: as many as fit in the page of the data and, in memory, in the frame of the
 * device; 4096 at most; downwards one less when the data is aligned to its size (hvmemul_do_io_addr, which then looks at
 * the frame below). What fits nowhere goes element by element (hvmemul_rep_movs, hvmemul_rep_stos, hvmemul_rep_ins,
 * hvmemul_rep_outs in xen/arch/x86/hvm/emulate.c).
 *
 * # Method
 * String instructions with ports and memory at all alignments to the ends of pages, both directions, every width, also
 * where one element lies across a page, or across the end of RAM.
 *
 * # A broken Xen
 * would lose or repeat elements at ends of pages, or give a device another one's.
 */
import { expect, HOLE_BELOW_4G, ProgramBuilder, scenario, SCRATCH } from 'ioreqlab/scenario';
import window from '../memory/window.device.ts';
import stream from '../string-io/stream.device.ts';

const data = 0x5100;
const device = HOLE_BELOW_4G.start;
const ram = SCRATCH.start + 0x4000n;

scenario('batches at the ends of pages', async ({ guest, deviceModel }) => {
  await deviceModel.attach(stream, { at: { data, sum: 0x5104 } });
  for (let page = 0; page < 2; page++)
    await deviceModel.attach(window, { at: { page: Number(device) + 0x1000 * page } });
  const pattern = Uint8Array.from({ length: 0x60 }, (_, i) => 0x20 + i);
  for (const size of [1, 2, 4, 8] as const) {
    const program = new ProgramBuilder();
    program.write(ram + 0xfd0n, pattern);
    for (const backward of [false, true]) {
      for (const skew of [-3n, 0n, 1n, BigInt(size)]) {
        const near = 0x1000n + skew + (backward ? BigInt(2 * size) : BigInt(-3 * size));
        const count = 6;
        const common = { size, count, backward };
        program
          .repMovs({ ...common, source: ram + near, destination: device + 0x400n })
          .repMovs({ ...common, source: ram + 0xff0n, destination: device + near })
          .repMovs({ ...common, source: device + near, destination: ram + near })
          .repStos({ ...common, destination: device + near, value: BigInt.asUintN(8 * size, 0x8182_8384_8586_8788n) });
        if (size === 8) continue;
        program
          .repOuts({ ...common, size, port: data, source: ram + near })
          .repIns({ ...common, size, port: data, destination: ram + 0x2000n + near })
          .outs({ size, backward, port: data, source: device + near });
      }
    }
    const seen = await guest.run(program.build());
    expect(seen.results.filter(({ op }) => op === 'movs').every(({ rcx }) => rcx === 0n)).toBe(true);
    await expect(seen).toMatchOracle();
  }
  // More than a batch may have.
  const many = await guest.run((program) =>
    program
      .fill(ram, 0x2000, 0x5a)
      .repOuts({ size: 1, count: 0x1800, port: data, source: ram })
      .repStos({ size: 1, count: 0x1800, destination: device, value: 7 })
      .load(device + 0x17ffn, 1),
  );
  expect(many.results.at(-1)?.value).toBe(7);
  await expect(many).toMatchOracle();
});
