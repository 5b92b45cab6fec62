/**
 * # Background
 * BTS, BTR and BTC with a register count bits from the operand's address on, up and down: the word that they access can be
 * far from it. Xen computes its address anew in its decoder (DstBitBase in xen/arch/x86/x86_emulate/x86_emulate.c).
 *
 * # Method
 * Machine code: BT, BTS, BTR and BTC of 2, 4 and 8 bytes with bit offsets inside the word, above it and below it.
 *
 * # A broken Xen
 * would access another word than the processor, or take the offset modulo the width.
 */
import { expect, HOLE_BELOW_4G, ProgramBuilder, scenario } from 'ioreqlab/scenario';
import window from '../memory/window.device.ts';

const base = HOLE_BELOW_4G.start;
const bt = 0xa3;
const changing = [0xab, 0xb3, 0xbb];

scenario('bit offsets reach other words', async ({ guest, deviceModel }) => {
  await deviceModel.attach(window, { at: { page: Number(base) } });
  const program = new ProgramBuilder();
  for (const prefix of [[0x66], [], [0x48]]) {
    for (const offset of [0n, 13n, 70n, 1000n, -1n, -500n]) {
      const at = { registers: { rbx: base + 0x800n, rsi: BigInt.asUintN(64, offset) } };
      program.raw(Uint8Array.from([...prefix, 0x0f, bt, 0x33]), at);
      for (const opcode of changing) {
        // [rbx], rsi; and the same by an immediate.
        program.raw(Uint8Array.from([...prefix, 0x0f, opcode, 0x33]), at);
        program.raw(Uint8Array.from([0xf0, ...prefix, 0x0f, opcode, 0x33]), at);
      }
      for (const number of [4, 5, 6, 7]) {
        program.raw(Uint8Array.from([...prefix, 0x0f, 0xba, (number << 3) | 3, Number(offset & 0xffn)]), at);
      }
    }
  }
  // What was set last is there.
  program.raw(Uint8Array.of(0x0f, 0xab, 0x33), { registers: { rbx: base + 0x800n, rsi: 100n } }).load(base + 0x80cn, 4);
  const seen = await guest.run(program.build());
  expect(((seen.results.at(-1)?.value ?? 0) >> 4) & 1).toBe(1);
  await expect(seen).toMatchOracle();
});
