/**
 * # Background
 * SHLD and SHRD shift bits of a register into memory (rmw_shld and rmw_shrd in xen/arch/x86/x86_emulate/x86_emulate.c).
 * They are the only read-modify-write instructions with three operands.
 *
 * # Method
 * Both, of 2, 4 and 8 bytes, by an immediate and by CL, by 0 to 15 bits, with memory and register told apart by their
 * digits.
 *
 * # A broken Xen
 * would shift the register's other end in, take the wrong operand's width, or read the number of bits from the wrong place.
 */
import { expect, HOLE_BELOW_4G, ProgramBuilder, scenario } from 'ioreqlab/scenario';

const base = HOLE_BELOW_4G.start + 0x32_0000n;
const there = 0xf0f1_f2f3_f4f5_f6f7n;
const rsi = 0x1011_1213_1415_1617n;

scenario('double shifts of a device', async ({ guest, deviceModel }) => {
  await deviceModel.attach('ramWindow', { at: { window: Number(base) } });
  const program = new ProgramBuilder();
  const wanted: bigint[] = [];
  for (const width of [2, 4, 8] as const) {
    const bits = 8 * width;
    const prefix = width === 2 ? [0x66] : width === 8 ? [0x48] : [];
    const digits = (value: bigint): string => BigInt.asUintN(bits, value).toString(2).padStart(bits, '0');
    for (const by of [0, 1, 4, 9, 15]) {
      for (const isRight of [false, true]) {
        const opcode = isRight ? 0xac : 0xa4;
        for (const code of [
          [...prefix, 0x0f, opcode, 0x33, by],
          [...prefix, 0x0f, opcode + 1, 0x33],
        ]) {
          program
            .store(base, width, BigInt.asUintN(bits, there))
            .raw(Uint8Array.from(code), { registers: { rbx: base, rsi, rcx: BigInt(by) } })
            .load(base, width);
          const both = isRight ? digits(rsi) + digits(there) : digits(there) + digits(rsi);
          const from = isRight ? bits - by : by;
          wanted.push(BigInt(`0b${both.slice(from, from + bits)}`));
        }
      }
    }
  }
  const seen = await guest.run(program.build());
  expect(seen.results.flatMap(({ op, rax }) => (op === 'load' ? [rax] : []))).toEqual(wanted);
  await expect(seen).toMatchOracle();
});
