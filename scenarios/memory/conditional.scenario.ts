/**
 * # Background
 * CMOVcc reads its operand whether or not the condition holds (SDM volume 2, CMOVcc), so a device is read either way; a long
 * register loses its upper half either way. SETcc writes a byte that it has not read.
 *
 * # Method
 * All sixteen conditions of CMOVcc and SETcc, each with flags for which it holds and does not, in a row of widths.
 *
 * # A broken Xen
 * would leave out the read, judge a condition wrongly, or read before SETcc.
 */
import { expect, HOLE_BELOW_4G, ProgramBuilder, scenario } from 'ioreqlab/scenario';

const base = HOLE_BELOW_4G.start + 0x8_0000n;
const [carry, parity, zero, sign, overflow] = [0x1, 0x4, 0x40, 0x80, 0x800];

/** Flags for which each of the conditions 0, 2, 4, ... holds, and flags for which it does not; one more is its opposite. */
const conditions: readonly (readonly [number, number])[] = [
  [overflow, carry | zero],
  [carry, overflow | parity],
  [zero, carry | sign],
  [zero, overflow],
  [sign, overflow],
  [parity, zero],
  [sign, sign | overflow],
  [zero | sign | overflow, sign | overflow],
];

scenario('CMOVcc and SETcc', async ({ guest, deviceModel }) => {
  await deviceModel.attach('ramWindow', { at: { window: Number(base) } });
  const program = new ProgramBuilder().store(base, 8, 0x1817_1615_1413_1211n);
  const rax = 0xa8a7_a6a5_a4a3_a2a1n;
  const wanted: bigint[] = [];
  for (let condition = 0; condition < 16; condition++) {
    const [holds, not] = conditions[condition >> 1] ?? [0, 0];
    for (const rflags of [holds, not]) {
      const isTrue = (rflags === holds) === ((condition & 1) === 0);
      const wide = Uint8Array.of(0x48, 0x0f, 0x40 | condition, 0x03);
      const long = Uint8Array.of(0x0f, 0x40 | condition, 0x03);
      const word = Uint8Array.of(0x66, 0x0f, 0x40 | condition, 0x03);
      for (const one of [wide, long, word]) program.raw(one, { registers: { rbx: base, rax }, rflags });
      program.raw(Uint8Array.of(0x0f, 0x90 | condition, 0x43, 0x20), { registers: { rbx: base }, rflags });
      program.load(base + 0x20n, 1);
      wanted.push(isTrue ? 0x1817_1615_1413_1211n : rax, isTrue ? 0x1413_1211n : 0xa4a3_a2a1n);
      wanted.push(isTrue ? 0xa8a7_a6a5_a4a3_1211n : rax, isTrue ? 1n : 0n);
    }
  }
  const seen = await guest.run(program.build());
  const values = seen.results.slice(1).flatMap(({ op, rax: loaded, registers }, i) => {
    // SETcc itself changes no register.
    return i % 5 === 3 ? [] : [op === 'load' ? loaded : registers?.gpr.rax];
  });
  expect(values).toEqual(wanted);
  const reads = (await deviceModel.trace()).filter(({ isRead, size }) => isRead && size > 1);
  expect(reads).toHaveLength(16 * 2 * 3);
  await expect(seen).toMatchOracle();
});
