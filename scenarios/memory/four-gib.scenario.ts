/**
 * # Background
 * Guest-physical addresses do not end at 4 GiB. The processor's 32-bit addresses (the prefix 0x67) do: they are cut before
 * they are translated (truncate_ea in xen/arch/x86/x86_emulate/private.h).
 *
 * # Method
 * A device's page just below 4 GiB, another server's just above. Loads and stores of each width across the boundary; then
 * machine code with 32-bit addresses, whose upper halves would lead above it.
 *
 * # A broken Xen
 * would wrap to address 0, or take more of a register for the address than counts.
 */
import { expect, HOLE_ABOVE_4G, scenario } from 'ioreqlab/scenario';
import { code } from '../prefixes/machine-code.ts';
import { MemoryProgram } from './memory-program.ts';

const boundary = HOLE_ABOVE_4G.start;

scenario('across 4 GiB', async ({ guest, deviceModel }) => {
  await deviceModel.attach('ramWindow', { server: 'above', at: { window: Number(boundary) } });
  await deviceModel.attach('ramWindow', { server: 'below', at: { window: Number(boundary) - 0x1000 } });
  const program = new MemoryProgram();
  program.store(boundary - 8n, 8, 0xa7a6_a5a4_a3a2_a1a0n).store(boundary, 8, 0xb7b6_b5b4_b3b2_b1b0n);
  for (const width of [2, 4, 8] as const) {
    for (const before of [1n, 3n, 6n].filter((one) => one < width)) {
      program.load(boundary - before, width).store(boundary - before, width, 0x1234_5678_9abc_def0n + before);
    }
  }
  // [ebx + 0x10], [ebx - 8], and with an index: all of them end below 4 GiB.
  const rbx = boundary + 0xffff_f100n;
  for (const [text, at, registers] of [
    ['67 8b 43 10', 0xffff_f110n, { rbx }],
    ['67 48 8b 43 f8', 0xffff_f0f8n, { rbx }],
    ['67 8b 04 4b', 0xffff_f300n, { rbx, rcx: 0x5_0000_0100n }],
    ['67 a1 00 f8 ff ff', 0xffff_f800n, {}],
  ] as const) {
    const size = text.startsWith('67 48') ? 8 : 4;
    program.store(at, size, 0xc0de_0000_0000_0000n + at);
    program.expecting(text, program.memory.load(at, size), (one) => one.raw(code(text), { registers }));
  }
  const seen = await guest.run(program.build());
  program.check(seen);
  expect((await deviceModel.trace('below')).every(({ address }) => address < boundary)).toBe(true);
  expect((await deviceModel.trace('above')).every(({ address }) => address >= boundary)).toBe(true);
  await expect(seen).toMatchOracle();
});
