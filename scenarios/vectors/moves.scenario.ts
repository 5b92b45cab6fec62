/**
 * # Background
 * An access of more than eight bytes comes as requests of eight, in rising order (hvmemul_phys_mmio_access in
 * xen/arch/x86/hvm/emulate.c); for each answer Xen executes the instruction anew and takes what it has from a cache.
 *
 * # Method
 * Machine code: SSE loads and stores of 4, 8 and 16 bytes, aligned and misaligned, with different values in every byte.
 *
 * # A broken Xen
 * would swap or repeat chunks, lose what is in the cache, or clear the wrong part of a register.
 */
import { expect, HOLE_BELOW_4G, ProgramBuilder, scenario } from 'ioreqlab/scenario';
import window from '../memory/window.device.ts';

const base = HOLE_BELOW_4G.start;
const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));

/** Load and store of xmm1, and [rbx]. */
const moves = {
  movups: ['0f100b', '0f110b'],
  movupd: ['660f100b', '660f110b'],
  movaps: ['0f280b', '0f290b'],
  movdqa: ['660f6f0b', '660f7f0b'],
  movdqu: ['f30f6f0b', 'f30f7f0b'],
  movss: ['f30f100b', 'f30f110b'],
  movsd: ['f20f100b', 'f20f110b'],
  movd: ['660f6e0b', '660f7e0b'],
  movq: ['f30f7e0b', '660fd60b'],
} as const;

scenario('SSE moves come in chunks of eight bytes', async ({ guest, deviceModel }) => {
  await deviceModel.attach(window, { at: { page: Number(base) } });
  const program = new ProgramBuilder();
  for (let i = 0n; i < 64n; i += 8n) program.store(base + i, 8, 0x0807_0605_0403_0201n + i * 0x0101_0101_0101_0101n);
  const common = { vectorBytes: 16, vectors: { 1: Uint8Array.from({ length: 16 }, (_, i) => 0xc0 + i) } } as const;
  for (const [load, store] of Object.values(moves)) {
    for (const offset of [0n, 3n]) {
      program
        .raw(bytesOf(load), { ...common, registers: { rbx: base + offset } })
        .raw(bytesOf(store), { ...common, registers: { rbx: base + 0x40n + offset } });
    }
  }
  program.load(base + 0x44n, 8);
  const seen = await guest.run(program.build());
  // MOVAPS and MOVDQA are the processor's to refuse when they are not aligned.
  expect(seen.results.filter(({ fault }) => fault?.name === '#GP')).toHaveLength(4);
  expect(seen.results[10]?.registers?.vectors[1]?.at(0)).toBe(4);
  await expect(seen).toMatchOracle();
});
