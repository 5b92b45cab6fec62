/**
 * # Background
 * Shifts and rotations of a device's memory are a read and a write, also by 0, which a processor would not write
 * (GRP2 in xen/arch/x86/x86_emulate/x86_emulate.c; x86_emul_rmw knows no exception). The number of bits is taken modulo 32,
 * of eight bytes modulo 64.
 *
 * # Method
 * ROL, ROR, RCL, RCR, SHL, SHR, SAR and SHL's other name in each width, by 1, by an immediate, by CL, by 0 and by 33; the
 * results from digits that are moved about here.
 *
 * # A broken Xen
 * would take the wrong number of bits, forget the carry of RCL and RCR, or leave out the write.
 */
import { expect, HOLE_BELOW_4G, ProgramBuilder, scenario } from 'ioreqlab/scenario';
import { onRbx, widths } from '../prefixes/machine-code.ts';

const base = HOLE_BELOW_4G.start + 0x31_0000n;

/** On digits, the highest first, with the carry: one step. */
const steps: Readonly<Record<number, (digits: string, carry: string) => readonly [string, string]>> = {
  0: (digits) => [digits.slice(1) + digits.slice(0, 1), digits.slice(0, 1)],
  1: (digits) => [digits.slice(-1) + digits.slice(0, -1), digits.slice(-1)],
  2: (digits, carry) => [digits.slice(1) + carry, digits.slice(0, 1)],
  3: (digits, carry) => [carry + digits.slice(0, -1), digits.slice(-1)],
  4: (digits) => [`${digits.slice(1)}0`, digits.slice(0, 1)],
  5: (digits) => [`0${digits.slice(0, -1)}`, digits.slice(-1)],
  6: (digits) => [`${digits.slice(1)}0`, digits.slice(0, 1)],
  7: (digits) => [digits.slice(0, 1) + digits.slice(0, -1), digits.slice(-1)],
};

scenario('shifts and rotations of a device', async ({ guest, deviceModel }) => {
  await deviceModel.attach('ramWindow', { at: { window: Number(base) } });
  const program = new ProgramBuilder();
  const wanted: bigint[] = [];
  for (const width of widths) {
    const there = BigInt.asUintN(8 * width, 0x9d3c_71a6_e58f_24b5n);
    for (const [name, step] of Object.entries(steps)) {
      const number = Number(name);
      for (const [opcode, by, immediate, rcx] of [
        [0xd0, 1, [], 0n],
        [0xc0, 5, [5], 0n],
        [0xd2, 3, [], 0x7703n],
        [0xd2, 0, [], 0n],
        [0xc0, width === 8 ? 33 : 1, [33], 0n],
      ] as const) {
        program
          .store(base, width, there)
          .raw(onRbx(width, [opcode], number, { immediate }), { registers: { rbx: base, rcx }, rflags: 1 })
          .load(base, width);
        let [digits, carry] = [there.toString(2).padStart(8 * width, '0'), '1'];
        for (let i = 0; i < by; i++) [digits, carry] = step(digits, carry);
        wanted.push(BigInt(`0b${digits}`), BigInt(carry));
      }
    }
  }
  const seen = await guest.run(program.build());
  const results = seen.results.flatMap(({ op, rax }, i) =>
    op === 'load' ? [rax, (seen.results[i - 1]?.registers?.rflags ?? 0n) & 1n] : [],
  );
  expect(results).toEqual(wanted);
  // A read and a write each, besides the program's own.
  expect(await deviceModel.trace()).toHaveLength(4 * (wanted.length / 2));
  await expect(seen).toMatchOracle();
});
