/**
 * # Background
 * Xen computes the result of a read-modify-write on a device itself, by the processor's own instruction on a copy
 * (x86_emul_rmw in xen/arch/x86/x86_emulate/x86_emulate.c); before 4.11 by a read and a write of its own.
 *
 * # Method
 * ADD, OR, ADC, SBB, AND, SUB, XOR, INC, DEC, NEG, NOT with values at the edges of each width, the carry set and clear; what
 * the device then holds and CF and ZF, from sums done here.
 *
 * # A broken Xen
 * would take the operands the other way round, forget the carry, or compute in another width.
 */
import { expect, HOLE_BELOW_4G, ProgramBuilder, scenario } from 'ioreqlab/scenario';
import { onRbx, widths } from '../prefixes/machine-code.ts';

const base = HOLE_BELOW_4G.start + 0x30_0000n;

/** Opcode, extension, the result of memory, register and carry; whether CF comes from it. */
const operations: Readonly<
  Record<string, readonly [number, number, (a: bigint, b: bigint, carry: bigint) => bigint, 'sum' | 'clear' | 'kept']>
> = {
  add: [0x00, 6, (a, b) => a + b, 'sum'],
  or: [0x08, 6, (a, b) => a | b, 'clear'],
  adc: [0x10, 6, (a, b, carry) => a + b + carry, 'sum'],
  sbb: [0x18, 6, (a, b, carry) => a - b - carry, 'sum'],
  and: [0x20, 6, (a, b) => a & b, 'clear'],
  sub: [0x28, 6, (a, b) => a - b, 'sum'],
  xor: [0x30, 6, (a, b) => a ^ b, 'clear'],
  inc: [0xfe, 0, (a) => a + 1n, 'kept'],
  dec: [0xfe, 1, (a) => a - 1n, 'kept'],
  not: [0xf6, 2, (a) => ~a, 'kept'],
  neg: [0xf6, 3, (a) => -a, 'sum'],
};

scenario('results of arithmetic on a device', async ({ guest, deviceModel }) => {
  await deviceModel.attach('ramWindow', { at: { window: Number(base) } });
  const program = new ProgramBuilder();
  const wanted: object[] = [];
  for (const width of widths) {
    const bits = 8 * width;
    const top = 1n << BigInt(bits - 1);
    for (const [a, b] of [
      [0n, 0n],
      [top, top - 1n],
      [BigInt.asUintN(bits, -1n), 1n],
    ] as const) {
      for (const [name, [opcode, number, compute, source]] of Object.entries(operations)) {
        for (const carry of [0n, 1n]) {
          program
            .store(base, width, a)
            .raw(onRbx(width, [opcode], number), {
              registers: { rbx: base, rsi: 0x6666_6666_6666_6666n - BigInt.asUintN(bits, 0x6666_6666_6666_6666n) + b },
              rflags: carry,
            })
            .load(base, width);
          const whole = compute(a, b, carry);
          const value = BigInt.asUintN(bits, whole);
          const isCarry = source === 'kept' ? carry === 1n : source === 'sum' && whole !== value;
          // NOT leaves the flags alone.
          wanted.push({ name, width, value, isCarry, isZero: name !== 'not' && value === 0n });
        }
      }
    }
  }
  const seen = await guest.run(program.build());
  const names = Object.keys(operations).flatMap((name) => [name, name]);
  const results = wanted.map((_, i) => {
    const rflags = seen.results[3 * i + 1]?.registers?.rflags ?? 0n;
    const width = widths[Math.floor(i / (3 * names.length))];
    const value = seen.results[3 * i + 2]?.rax;
    return {
      name: names[i % names.length],
      width,
      value,
      isCarry: (rflags & 1n) !== 0n,
      isZero: (rflags & 0x40n) !== 0n,
    };
  });
  expect(results).toEqual(wanted);
  await expect(seen).toMatchOracle();
});
