/**
 * # Background
 * ADC and SBB take the carry that the instruction before has left; between the two Xen has been left and entered, and the
 * flags went through its copy of the guest's registers (_regs.eflags in x86_emulate of
 * xen/arch/x86/x86_emulate/x86_emulate.c).
 *
 * # Method
 * Numbers of 256 bits in a device: added, subtracted and shifted by one bit, in one piece of machine code each, in steps of 8
 * and of 1 byte; the sums from here.
 *
 * # A broken Xen
 * would lose the carry between two instructions, which shows a word further.
 */
import { expect, HOLE_BELOW_4G, ProgramBuilder, scenario } from 'ioreqlab/scenario';

const base = HOLE_BELOW_4G.start + 0x37_0000n;
const a = 0xffff_ffff_ffff_ffff_0000_0000_0000_0000_ffff_ffff_ffff_fffe_8000_0000_0000_0001n;
const b = 0x0000_0000_0000_0001_ffff_ffff_ffff_ffff_0000_0000_0000_0001_8000_0000_0000_0001n;

const words = (value: bigint): bigint[] => [0n, 64n, 128n, 192n].map((at) => BigInt.asUintN(64, value >> at));
/** mov rsi, [rdi + at]; and an instruction on [rbx + at] with RSI: `at` counts in eight bytes. */
const step = (opcode: number, at: number): number[] => [0x48, 0x8b, 0x77, 8 * at, 0x48, opcode, 0x73, 8 * at];
const steps = (first: number, others: number): Uint8Array =>
  Uint8Array.from([...step(first, 0), ...step(others, 1), ...step(others, 2), ...step(others, 3)]);
/** adc byte [rbx + at], sil */
const byteSteps = Uint8Array.from(Array.from({ length: 12 }, (_, at) => [0x40, 0x10, 0x73, at]).flat());
/** rcl qword [rbx + at], 1 */
const rotations = Uint8Array.from([0, 8, 16, 24].flatMap((at) => [0x48, 0xd1, 0x53, at]));

scenario('carries from one instruction to the next', async ({ guest, deviceModel }) => {
  await deviceModel.attach('ramWindow', { at: { window: Number(base) } });
  const program = new ProgramBuilder();
  const registers = { rbx: base, rdi: base + 0x40n };
  const put = (at: bigint, value: bigint): void => {
    words(value).forEach((word, i) => void program.store(at + 8n * BigInt(i), 8, word));
  };
  const look = (): void => {
    for (let i = 0n; i < 4n; i++) program.load(base + 8n * i, 8);
  };
  put(base, a);
  put(base + 0x40n, b);
  program.raw(steps(0x01, 0x11), { registers });
  look();
  program.raw(steps(0x29, 0x19), { registers });
  look();
  program.raw(rotations, { registers, rflags: 1 });
  look();
  // Twelve bytes of ones, and a carry.
  program.store(base, 8, 0xffff_ffff_ffff_ffffn).store(base + 8n, 8, 0x1234_5678_ffff_fffen);
  program.raw(byteSteps, { registers, rflags: 1 });
  look();
  const seen = await guest.run(program.build());
  const loads = seen.results.flatMap(({ op, rax }) => (op === 'load' ? [rax] : []));
  expect(loads.slice(0, 12)).toEqual([...words(a + b), ...words(a), ...words(2n * a + 1n)]);
  expect(loads.slice(12, 14)).toEqual([0n, 0x1234_5678_ffff_ffffn]);
  const carries = seen.results.flatMap(({ registers: after }) => (after === undefined ? [] : [after.rflags & 1n]));
  expect(carries).toEqual([1n, 1n, 1n, 0n]);
  await expect(seen).toMatchOracle();
});
