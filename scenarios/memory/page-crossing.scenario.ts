/**
 * # Background
 * Xen splits an access at the end of a page and translates each part for itself (linear_read and linear_write in
 * xen/arch/x86/hvm/emulate.c): it may be RAM and MMIO, or of two devices. What it has done already is in a cache of three
 * entries; until 4.20 each part took one.
 *
 * # Method
 * Loads, stores, read-modify-write, CMPXCHG and SSE moves across the end of a page: from MMIO to MMIO, from RAM to MMIO,
 * and from MMIO to nobody's.
 *
 * # A broken Xen
 * would lose the second part, read or write it where the first is, mix up parts, or fail with an instruction that is fine.
 */
import { expect, ProgramBuilder, rulesOf, scenario } from 'ioreqlab/scenario';
import window from '../memory/window.device.ts';

/** The guest has 64 MiB: RAM below, MMIO from here on. */
const edge = 0x400_0000n;
const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));

scenario('accesses across the end of a page', async ({ guest, deviceModel, xenVersion }) => {
  const { operandCachedWhole } = rulesOf(await xenVersion());
  await deviceModel.attach(window, { at: { page: Number(edge) } });
  await deviceModel.attach(window, { server: 'other', at: { page: Number(edge + 0x1000n) } });
  const value = 0x8877_6655_4433_2211n;
  for (const end of [edge, edge + 0x1000n, edge + 0x2000n]) {
    const program = new ProgramBuilder();
    program.store(end - 0x20n, 8, value).store(end - 8n, 8, ~value & 0xffff_ffff_ffff_ffffn);
    for (let before = 1n; before < 8n; before++) {
      program.store(end - before, 8, value + before).load(end - before, 8);
      if (before < 4n) program.store(end - before, 4, 0xaabb_ccddn).load(end - before, 4);
      if (before === 1n) program.store(end - before, 2, 0x1234).load(end - before, 2);
    }
    for (const before of [1n, 3n, 4n]) {
      const registers = { rbx: end - before, rsi: 0x0101_0101_0101_0101n, rax: 5n };
      // Before 4.20 these would never come to their end: see oracle/gives-up.
      if (operandCachedWhole || end === edge) {
        program
          .raw(bytesOf('480133'), { registers }) // add [rbx], rsi
          .raw(bytesOf('f0480fc133'), { registers }) // lock xadd [rbx], rsi
          .raw(bytesOf('488733'), { registers }); // xchg [rbx], rsi
      }
      program
        .raw(bytesOf('480fb133'), { registers }) // cmpxchg [rbx], rsi
        .raw(bytesOf('0fc70b'), { registers }); // cmpxchg8b [rbx]
    }
    for (const before of [1n, 7n, 8n, 13n]) {
      const vectors = { 1: Uint8Array.from({ length: 16 }, (_, i) => 0x40 + i) };
      const at = { registers: { rbx: end - before }, vectorBytes: 16, vectors } as const;
      program.raw(bytesOf('0f110b'), at).raw(bytesOf('0f100b'), at); // movups
    }
    program.load(end - 16n, 8).load(end - 8n, 8);
    await expect(await guest.run(program.build())).toMatchOracle();
  }
});
