/**
 * # Background
 * Xen emulates a read-modify-write instruction on MMIO as a read request and a write request, also when the value does not
 * change and whatever LOCK says (hvmemul_rmw in xen/arch/x86/hvm/emulate.c: "fix this in case the guest is really relying
 * on r-m-w atomicity" stands beside CMPXCHG). It computes the value and the flags itself.
 *
 * # Method
 * Machine code: each arithmetic instruction with a memory operand in each width, with and without LOCK, on a page of
 * device memory; the trace, the registers and the flags are what the oracle makes of it, and the device's memory is
 * what a processor would leave there.
 *
 * # A broken Xen
 * would leave out the write, write twice, split it, or compute other flags than the processor.
 */
import { expect, HOLE_BELOW_4G, ProgramBuilder, scenario } from 'ioreqlab/scenario';
import window from '../memory/window.device.ts';

const base = HOLE_BELOW_4G.start;
const widths = [1, 2, 4, 8] as const;
type Width = (typeof widths)[number];

/** [rbx] as ModRM has it, with a register or an extension of the opcode. */
const modrm = (number: number): number => (number << 3) | 3;

/** An instruction on [rbx]; even opcodes are those of bytes. Always with REX, so that number 6 is SIL. */
function code(width: Width, opcode: readonly number[], number: number, isLocked: boolean): Uint8Array {
  const last = opcode.length - 1;
  const bytes = opcode.map((byte, i) => (i === last && width !== 1 ? byte | 1 : byte));
  const prefixes = [...(isLocked ? [0xf0] : []), ...(width === 2 ? [0x66] : []), width === 8 ? 0x48 : 0x40];
  return Uint8Array.from([...prefixes, ...bytes, modrm(number)]);
}

/** With RSI as the other operand. */
const twoOperands = { add: 0x00, or: 0x08, adc: 0x10, sbb: 0x18, and: 0x20, sub: 0x28, xor: 0x30, xchg: 0x86 };
/** Opcode and its extension. */
const oneOperand = { inc: [0xfe, 0], dec: [0xfe, 1], not: [0xf6, 2], neg: [0xf6, 3] } as const;

scenario('arithmetic on MMIO is a read and a write', async ({ guest, deviceModel }) => {
  await deviceModel.attach(window, { at: { page: Number(base) } });
  for (const width of widths) {
    const program = new ProgramBuilder();
    const address = base + 0x100n;
    const at = (rflags = 0n) => ({ registers: { rbx: address, rsi: 0x8877_6655_4433_2211n, rax: 3n }, rflags });
    const value = BigInt.asUintN(8 * width, 0xf0e1_d2c3_b4a5_9687n);
    for (const isLocked of [false, true]) {
      program.store(address, width, value);
      for (const opcode of Object.values(twoOperands)) {
        // With and without a carry that comes in.
        program.raw(code(width, [opcode], 6, isLocked), at()).raw(code(width, [opcode], 6, isLocked), at(1n));
      }
      for (const [opcode, number] of Object.values(oneOperand)) {
        program.raw(code(width, [opcode], number, isLocked), at(1n));
      }
      program.raw(code(width, [0x0f, 0xc0], 6, isLocked), at());
      // What does not change is written all the same.
      program.raw(
        Uint8Array.from([
          ...code(width, [0x80], 1, isLocked),
          ...(width === 1 ? [0] : [0, 0, 0, 0].slice(0, Math.min(width, 4))),
        ]),
        at(),
      );
    }
    // Shifts take no LOCK.
    for (const number of [0, 1, 4, 5, 7]) {
      program
        .raw(code(width, [0xd0], number, false), at())
        .raw(Uint8Array.from([...code(width, [0xc0], number, false), 5]), at());
    }
    program.load(address, width);
    const seen = await guest.run(program.build());
    expect(seen.results.every(({ fault }) => fault === undefined)).toBe(true);
    await expect(seen).toMatchOracle();
  }
});
