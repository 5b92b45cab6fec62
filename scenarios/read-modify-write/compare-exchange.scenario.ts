/**
 * # Background
 * Xen executes CMPXCHG on MMIO as a read request and, only if what it read is what the guest expects, a write request
 * (hvmemul_cmpxchg in xen/arch/x86/hvm/emulate.c); a processor would write either way. CMPXCHG16B is two requests of 8
 * bytes in each direction.
 *
 * # Method
 * Machine code: CMPXCHG of 1 to 8 bytes, CMPXCHG8B and CMPXCHG16B, with and without LOCK, each once with the value that is
 * there and once with another.
 *
 * # A broken Xen
 * would write after a comparison that fails, not write after one that succeeds, or report the wrong old value or flags.
 */
import { expect, HOLE_BELOW_4G, ProgramBuilder, scenario } from 'ioreqlab/scenario';
import window from '../memory/window.device.ts';

const base = HOLE_BELOW_4G.start;

scenario('CMPXCHG writes only what it exchanges', async ({ guest, deviceModel }) => {
  await deviceModel.attach(window, { at: { page: Number(base) } });
  const program = new ProgramBuilder();
  const there = 0x8877_6655_4433_2211n;
  const ours = 0x0102_0304_0506_0708n;
  const rest = 0xa5a5_a5a5_a5a5_a5a5n;
  program.store(base, 8, there).store(base + 8n, 8, ours);
  for (const lock of [[], [0xf0]]) {
    for (const width of [1, 2, 4, 8]) {
      const opcode = Uint8Array.from([
        ...lock,
        ...(width === 2 ? [0x66] : []),
        width === 8 ? 0x48 : 0x40,
        ...[0x0f, width === 1 ? 0xb0 : 0xb1, 0x33],
      ]);
      const low = BigInt.asUintN(8 * width, there);
      // Another value; the one that is there, with more in RAX than counts; and back.
      program.raw(opcode, { registers: { rbx: base, rsi: ours, rax: rest } });
      program.raw(opcode, {
        registers: { rbx: base, rsi: ours, rax: ((rest >> BigInt(8 * width)) << BigInt(8 * width)) | low },
      });
      program.raw(opcode, { registers: { rbx: base, rsi: there, rax: ours } });
    }
    const eight = Uint8Array.from([...lock, 0x0f, 0xc7, 0x0f]);
    const sixteen = Uint8Array.from([...lock, 0x48, 0x0f, 0xc7, 0x0f]);
    // [rdi]
    const pair = { rdi: base, rbx: 0x1111_1111_1111_1111n, rcx: 0x2222_2222_2222_2222n };
    program.raw(eight, { registers: { ...pair, rax: 0x4433_2211n, rdx: 0x8877_6655n } });
    program.raw(eight, { registers: { ...pair, rax: 1n, rdx: 0x1234_5678_9abc_def0n }, rflags: 0x40n });
    program.store(base, 8, there);
    program.raw(sixteen, { registers: { ...pair, rax: there, rdx: ours } });
    program.raw(sixteen, { registers: { ...pair, rax: there, rdx: ours }, rflags: 0x40n });
    // Misaligned: #GP before any request.
    program.raw(sixteen, { registers: { ...pair, rdi: base + 8n } });
    program.store(base, 8, there).store(base + 8n, 8, ours);
  }
  const seen = await guest.run(program.build());
  expect(seen.results.filter(({ fault }) => fault?.name === '#GP')).toHaveLength(2);
  await expect(seen).toMatchOracle();
});
