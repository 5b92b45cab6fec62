/**
 * # Background
 * MOVZX, MOVSX and MOVSXD read fewer bytes than they write to their register; the request has the width that is read, and
 * Xen extends the answer (0xb6, 0xbe and 0x63 in xen/arch/x86/x86_emulate/x86_emulate.c).
 *
 * # Method
 * Machine code: each from bytes, words and longs, with the highest bit set and clear, into 2, 4 and 8 bytes of a register
 * that is full of ones.
 *
 * # A broken Xen
 * would read as many bytes as it writes, extend by the wrong bit, or leave the upper half of a register.
 */
import { expect, HOLE_BELOW_4G, ProgramBuilder, scenario } from 'ioreqlab/scenario';
import { code } from '../prefixes/machine-code.ts';

const base = HOLE_BELOW_4G.start + 0x6_0000n;
/** At base and base + 8: every width of the first is positive, of the second negative. */
const positive = 0x7171_7171_7f41_4131n;
const negative = 0x8181_8181_8f91_b1c1n;

/** Code, RAX from the first and from the second. */
const cases: readonly (readonly [string, bigint, bigint])[] = [
  ['0f b6 03', 0x31n, 0xc1n],
  ['66 0f b6 03', 0xffff_ffff_ffff_0031n, 0xffff_ffff_ffff_00c1n],
  ['48 0f b6 03', 0x31n, 0xc1n],
  ['0f b7 03', 0x4131n, 0xb1c1n],
  ['48 0f b7 03', 0x4131n, 0xb1c1n],
  ['0f be 03', 0x31n, 0xffff_ffc1n],
  ['66 0f be 03', 0xffff_ffff_ffff_0031n, 0xffff_ffff_ffff_ffc1n],
  ['48 0f be 03', 0x31n, 0xffff_ffff_ffff_ffc1n],
  ['0f bf 03', 0x4131n, 0xffff_b1c1n],
  ['48 0f bf 03', 0x4131n, 0xffff_ffff_ffff_b1c1n],
  ['48 63 03', 0x7f41_4131n, 0xffff_ffff_8f91_b1c1n],
  ['63 03', 0x7f41_4131n, 0x8f91_b1c1n],
];

scenario('zero and sign extension', async ({ guest, deviceModel }) => {
  await deviceModel.attach('ramWindow', { at: { window: Number(base) } });
  const program = new ProgramBuilder().store(base, 8, positive).store(base + 8n, 8, negative);
  const rax = 0xffff_ffff_ffff_ffffn;
  for (const [text] of cases) {
    for (const rbx of [base, base + 8n]) program.raw(code(text), { registers: { rax, rbx } });
  }
  const seen = await guest.run(program.build());
  const values = seen.results.slice(2).map(({ registers }) => registers?.gpr.rax);
  expect(values).toEqual(cases.flatMap(([, one, other]) => [one, other]));
  const sizes = (await deviceModel.trace()).slice(2).map(({ size }) => size);
  expect(sizes.filter((_, i) => i % 2 === 0)).toEqual([1, 1, 1, 2, 2, 1, 1, 1, 2, 2, 4, 4]);
  await expect(seen).toMatchOracle();
});
