/**
 * # Background
 * Nothing keeps RSP out of a device's memory: PUSH, POP, ENTER and LEAVE are then requests, which Xen makes in the stack's
 * segment (sp_pre_dec and sp_post_inc in xen/arch/x86/x86_emulate/private.h).
 *
 * # Method
 * Machine code with RSP in a device: pushes of registers and immediates of 8 and 2 bytes, POP, ENTER, LEAVE; RSP and what is
 * in the device's memory.
 *
 * # A broken Xen
 * would move RSP by another number of bytes, move it although nothing was stored, or store 4 bytes as 32-bit code does.
 */
import { expect, HOLE_BELOW_4G, scenario } from 'ioreqlab/scenario';
import { MemoryProgram } from '../memory/memory-program.ts';
import { code } from '../prefixes/machine-code.ts';

const base = HOLE_BELOW_4G.start + 0x1e_0000n;
const top = base + 0x100n;
const own = { rax: 0xa1a2_a3a4_a5a6_a7a8n, r9: 0x9192_9394_9596_9798n, rbp: 0xb1b2_b3b4_b5b6_b7b8n, rsp: top };

/** Code, how far RSP moves, and what is stored: at which distance from the top, bytes, value. */
const pushes: readonly (readonly [string, bigint, bigint, 2 | 8, bigint])[] = [
  ['50', -8n, -8n, 8, own.rax],
  ['41 51', -8n, -8n, 8, own.r9],
  ['66 50', -2n, -2n, 2, 0xa7a8n],
  ['54', -8n, -8n, 8, top],
  ['6a fe', -8n, -8n, 8, 0xffff_ffff_ffff_fffen],
  ['68 78 56 34 92', -8n, -8n, 8, 0xffff_ffff_9234_5678n],
  ['66 6a fe', -2n, -2n, 2, 0xfffen],
  ['66 68 34 92', -2n, -2n, 2, 0x9234n],
  ['c8 20 00 00', -0x28n, -8n, 8, own.rbp],
];
/** Code, how far RSP moves, the register and its value; 0x..11 and so on is at the top. */
const pops: readonly (readonly [string, bigint, 'rax' | 'r9' | 'rbp' | 'rsp', bigint])[] = [
  ['58', 8n, 'rax', 0x1817_1615_1413_1211n],
  ['41 59', 8n, 'r9', 0x1817_1615_1413_1211n],
  ['66 58', 2n, 'rax', 0xa1a2_a3a4_a5a6_1211n],
  // RBP is another place in the device: LEAVE pops from there.
  ['c9', -0x38n, 'rbp', 0x2827_2625_2423_2221n],
];

scenario('a stack in a device', async ({ guest, deviceModel }) => {
  await deviceModel.attach('ramWindow', { at: { window: Number(base) } });
  const program = new MemoryProgram();
  for (const [text, , offset, size, value] of pushes) {
    program.store(top - 8n, 8, 0n);
    program.add(
      (one) => one.raw(code(text), { registers: own }),
      (memory) => memory.store(top + offset, size, value),
    );
    program.load(top - 8n, 8);
  }
  program.store(top, 8, 0x1817_1615_1413_1211n).store(top - 0x40n, 8, 0x2827_2625_2423_2221n);
  for (const [text] of pops) program.add((one) => one.raw(code(text), { registers: { ...own, rbp: top - 0x40n } }));
  const seen = await guest.run(program.build());
  program.check(seen);
  const after = seen.results.flatMap(({ registers }) => (registers === undefined ? [] : [registers.gpr]));
  expect(after.map(({ rsp }) => rsp - top)).toEqual([...pushes, ...pops].map(([, moved]) => moved));
  expect(after.slice(0, -pops.length).at(-1)?.rbp).toBe(top - 8n);
  expect(pops.map(([, , name], i) => after[pushes.length + i]?.[name])).toEqual(pops.map(([, , , value]) => value));
  await expect(seen).toMatchOracle();
});
