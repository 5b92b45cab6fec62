/**
 * # Background
 * An AVX access of 32 bytes comes as four requests of eight (hvmemul_phys_mmio_access in xen/arch/x86/hvm/emulate.c). Xen
 * emulates AVX only for a guest that has enabled it by XSETBV, as far as Xen knows (_get_fpu in
 * xen/arch/x86/x86_emulate/x86_emulate.c). QEMU does not intercept XSETBV for a nested hypervisor (helper_xsetbv in its
 * target/i386/tcg/fpu_helper.c): there Xen never hears of it, gives every AVX access to MMIO up with #GP, and takes AVX
 * away from the guest at the next change of vCPUs.
 *
 * # Method
 * Machine code: AVX loads and stores of 16 and 32 bytes, aligned, misaligned, and across the end of a page. Not on emulated
 * hosts.
 *
 * # A broken Xen
 * would swap or repeat chunks, or lose what is in its cache.
 */
import { expect, HOLE_BELOW_4G, ProgramBuilder, scenario } from 'ioreqlab/scenario';
import window from '../memory/window.device.ts';

const base = HOLE_BELOW_4G.start;
const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));

/** Load and store of ymm1 or xmm1, and [rbx]. */
const moves = {
  vmovups: ['c5fc100b', 'c5fc110b'],
  vmovdqu: ['c5fe6f0b', 'c5fe7f0b'],
  vmovaps: ['c5fc280b', 'c5fc290b'],
  'vmovups of xmm': ['c5f8100b', 'c5f8110b'],
} as const;

scenario('AVX moves come in chunks of eight bytes', async ({ guest, deviceModel, host, skip }) => {
  if (host.kind === 'emulated') skip('this QEMU does not tell Xen that the guest has enabled AVX');
  for (let page = 0; page < 2; page++) await deviceModel.attach(window, { at: { page: Number(base) + 0x1000 * page } });
  const common = { vectorBytes: 32, vectors: { 1: Uint8Array.from({ length: 32 }, (_, i) => 0xc0 + i) } } as const;
  const program = new ProgramBuilder();
  for (let i = 0n; i < 64n; i += 8n) program.store(base + i, 8, 0x0807_0605_0403_0201n + i * 0x0101_0101_0101_0101n);
  for (const [load, store] of Object.values(moves)) {
    for (const offset of [0n, 3n, 0xff3n]) {
      program
        .raw(bytesOf(store), { ...common, registers: { rbx: base + offset } })
        .raw(bytesOf(load), { ...common, registers: { rbx: base + offset } });
    }
  }
  const seen = await guest.run(program.build());
  expect(seen.results.filter(({ fault }) => fault?.name === '#GP')).toHaveLength(4);
  await expect(seen).toMatchOracle();
});
