/**
 * # Background
 * A MOV of eight bytes has four bytes of immediate, which are sign-extended; Xen's decoder has to fetch as many bytes as the
 * operand has, and four at most (x86_decode in xen/arch/x86/x86_emulate/decode.c), or it takes the next instruction for
 * another.
 *
 * # Method
 * MOV of immediates of each width, positive and negative, followed in the same code by an instruction that shows that the
 * next one was found; also with a displacement in between, and with MOVNTI and MOVBE, which have none.
 *
 * # A broken Xen
 * would zero-extend, read too few or too many bytes of the instruction, or go on in the middle of it.
 */
import { expect, HOLE_BELOW_4G, ProgramBuilder, scenario } from 'ioreqlab/scenario';
import { code } from '../prefixes/machine-code.ts';

const base = HOLE_BELOW_4G.start + 0x7_0000n;
const there = 0x5555_5555_5555_5555n;
/** MOVZX EAX, byte [rbx + 15]: 0x5a. */
const next = '0f b6 43 0f';

/** Code, and the eight bytes at [rbx] afterwards. */
const cases: readonly (readonly [string, bigint])[] = [
  ['c6 03 81', 0x5555_5555_5555_5581n],
  ['66 c7 03 34 92', 0x5555_5555_5555_9234n],
  ['c7 03 78 56 34 92', 0x5555_5555_9234_5678n],
  ['48 c7 03 78 56 34 92', 0xffff_ffff_9234_5678n],
  ['48 c7 03 78 56 34 12', 0x0000_0000_1234_5678n],
  ['c6 43 02 81', 0x5555_5555_5581_5555n],
  ['66 c7 83 03 00 00 00 34 92', 0x5555_5592_3455_5555n],
  ['48 c7 44 0b fe fe ff ff ff', 0xffff_ffff_ffff_fffen],
  // MOVNTI and MOVBE of RSI.
  ['0f c3 33', 0x5555_5555_a5a6_a7a8n],
  ['48 0f c3 33', 0xa1a2_a3a4_a5a6_a7a8n],
  ['66 0f 38 f1 33', 0x5555_5555_5555_a8a7n],
  ['0f 38 f1 33', 0x5555_5555_a8a7_a6a5n],
  ['48 0f 38 f1 33', 0xa8a7_a6a5_a4a3_a2a1n],
];
/** MOVBE to RAX, of what is there then: 0x0807060504030201. */
const loads: readonly (readonly [string, bigint])[] = [
  ['66 0f 38 f0 03', 0x1111_1111_1111_0102n],
  ['0f 38 f0 03', 0x0102_0304n],
  ['48 0f 38 f0 03', 0x0102_0304_0506_0708n],
];

scenario('stores without a register', async ({ guest, deviceModel }) => {
  await deviceModel.attach('ramWindow', { at: { window: Number(base) } });
  const registers = { rbx: base, rcx: 2n, rsi: 0xa1a2_a3a4_a5a6_a7a8n, rax: 0x1111_1111_1111_1111n };
  const program = new ProgramBuilder().store(base + 15n, 1, 0x5a);
  for (const [text] of cases) {
    program
      .store(base, 8, there)
      .raw(code(`${text} ${next}`), { registers })
      .load(base, 8);
  }
  program.store(base, 8, 0x0807_0605_0403_0201n);
  for (const [text] of loads) program.raw(code(text), { registers });
  const seen = await guest.run(program.build());
  const results = cases.map((_, i) => seen.results.slice(3 * i + 2, 3 * i + 4));
  expect(results.map(([after]) => after?.registers?.gpr.rax)).toEqual(cases.map(() => 0x5an));
  expect(results.map(([, loaded]) => loaded?.rax)).toEqual(cases.map(([, value]) => value));
  expect(seen.results.slice(-loads.length).map(({ registers: after }) => after?.gpr.rax)).toEqual(
    loads.map(([, value]) => value),
  );
  await expect(seen).toMatchOracle();
});
