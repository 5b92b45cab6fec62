/**
 * # Background
 * CMP, TEST and BT look at memory and leave it; arithmetic with memory on its right changes a register. Each is one read
 * (dst.type is OP_NONE or a register in x86_emulate of xen/arch/x86/x86_emulate/x86_emulate.c).
 *
 * # Method
 * CMP and TEST with registers and immediates, BT, ADD to XOR and IMUL into a register, BSF, BSR, TZCNT, LZCNT and POPCNT, in
 * each width that they have: registers, flags, and that the device saw reads alone.
 *
 * # A broken Xen
 * would write back what it has read, or read twice.
 */
import { expect, HOLE_BELOW_4G, ProgramBuilder, scenario } from 'ioreqlab/scenario';
import { code } from '../prefixes/machine-code.ts';
import { requestsOf } from '../string-io/requests-of.ts';

const base = HOLE_BELOW_4G.start + 0x34_0000n;
const there = 0x0000_00f0_8000_00c0n;
const [carry, zero, sign] = [1n, 0x40n, 0x80n];

/** Code, its request, RSI afterwards, those of CF, ZF and SF that are defined, and their values. */
const rsi = 0x1111_1111_1111_1111n;
const cases: readonly (readonly [string, string, bigint, bigint, bigint])[] = [
  // CMP of 0xc0 with 0x11 and with 0xc0; of four bytes with -64.
  ['40 38 33', 'r1', rsi, carry | zero | sign, sign],
  ['80 3b c0', 'r1', rsi, carry | zero | sign, zero],
  ['83 3b c0', 'r4', rsi, carry | zero | sign, carry | sign],
  ['66 81 3b c1 00', 'r2', rsi, carry | zero | sign, carry | sign],
  ['48 81 3b 00 00 00 80', 'r8', rsi, carry | zero | sign, carry],
  ['48 3b 33', 'r8', rsi, carry | zero | sign, 0n],
  // TEST.
  ['40 84 33', 'r1', rsi, carry | zero | sign, zero],
  ['f6 03 80', 'r1', rsi, carry | zero | sign, sign],
  ['f7 03 00 00 00 80', 'r4', rsi, carry | zero | sign, sign],
  ['48 85 33', 'r8', rsi, carry | zero | sign, 0n],
  // BT of bits 7, 8 and 31.
  ['0f ba 23 07', 'r4', rsi, carry, carry],
  ['66 0f ba 23 08', 'r2', rsi, carry, 0n],
  ['0f ba 23 1f', 'r4', rsi, carry, carry],
  // Into RSI: ADD, OR, AND, SUB, XOR, ADC, SBB with the carry clear; IMUL.
  ['40 02 33', 'r1', 0x1111_1111_1111_11d1n, carry | zero | sign, sign],
  ['66 0b 33', 'r2', 0x1111_1111_1111_11d1n, carry | zero | sign, 0n],
  ['23 33', 'r4', 0n, carry | zero | sign, zero],
  ['48 2b 33', 'r8', 0x1111_1020_9111_1051n, carry | zero | sign, 0n],
  ['48 33 33', 'r8', 0x1111_11e1_9111_11d1n, carry | zero | sign, 0n],
  ['13 33', 'r4', 0x9111_11d1n, carry | zero | sign, sign],
  ['40 1a 33', 'r1', 0x1111_1111_1111_1151n, carry | zero | sign, carry],
  ['0f af 33', 'r4', 0x4ccc_ccc0n, carry, carry],
  ['66 0f af 33', 'r2', 0x1111_1111_1111_ccc0n, carry, carry],
  // Bits: 6 is the first, 39 the last of eight bytes, 31 of four.
  ['0f bc 33', 'r4', 6n, zero, 0n],
  ['48 0f bd 33', 'r8', 39n, zero, 0n],
  ['f3 0f bc 33', 'r4', 6n, carry | zero, 0n],
  ['f3 48 0f bd 33', 'r8', 24n, carry | zero, 0n],
  ['f3 0f bd 33', 'r4', 0n, carry | zero, zero],
  ['f3 48 0f b8 33', 'r8', 7n, carry | zero | sign, 0n],
  ['66 0f bc 73 10', 'r2', rsi, zero, zero],
  ['f3 0f bc 73 10', 'r4', 32n, carry | zero, carry],
  ['f3 0f b8 73 10', 'r4', 0n, carry | zero | sign, zero],
];

scenario('instructions that only read', async ({ guest, deviceModel }) => {
  await deviceModel.attach('ramWindow', { at: { window: Number(base) } });
  const program = new ProgramBuilder().store(base, 8, there);
  for (const [text] of cases) program.raw(code(text), { registers: { rbx: base, rsi } });
  const seen = await guest.run(program.build());
  const results = seen.results.slice(1).map(({ registers }, i) => {
    const [text, , , defined] = cases[i] ?? ['', '', 0n, 0n];
    return [text, registers?.gpr.rsi, (registers?.rflags ?? 0n) & defined];
  });
  expect(results).toEqual(cases.map(([text, , value, , flags]) => [text, value, flags]));
  expect(requestsOf(await deviceModel.trace())).toEqual(['w8', ...cases.map(([, request]) => request)]);
  await expect(seen).toMatchOracle();
});
