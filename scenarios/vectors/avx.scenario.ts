/**
 * # Background
 * An AVX access of 32 bytes comes as four requests of eight (hvmemul_phys_mmio_access in xen/arch/x86/hvm/emulate.c). Xen
 * emulates AVX only for a guest that has enabled it by XSETBV, as far as Xen knows (_get_fpu in
 * xen/arch/x86/x86_emulate/x86_emulate.c). QEMU does not intercept XSETBV for a nested hypervisor (helper_xsetbv in its
 * target/i386/tcg/fpu_helper.c): there XSETBV costs no exit, Xen never hears of it, and gives every AVX access to MMIO up
 * with #GP.
 *
 * # Method
 * Machine code: XSETBV, an AVX load and an AVX store of what was loaded, of 16 and 32 bytes, aligned, misaligned, and across
 * the end of a page; what is at the store's place then.
 *
 * # A broken Xen
 * would swap or repeat chunks, or lose what is in its cache.
 */
import { expect, HOLE_BELOW_4G, scenario } from 'ioreqlab/scenario';
import { MemoryProgram } from '../memory/memory-program.ts';
import { code } from '../prefixes/machine-code.ts';

const base = HOLE_BELOW_4G.start + 0x45_0000n;
const target = base + 0x1800n;
/** With RCX, RDX and RAX as {@link enabling}. */
const xsetbv = '0f 01 d1';
const enabling = { rax: 7n, rcx: 0n, rdx: 0n };

/** Load from [rbx] and store to [rdi], and the bytes that they move. */
const moves = [
  ['c5 fc 10 0b', 'c5 fc 11 0f', 32],
  ['c5 fe 6f 0b', 'c5 fe 7f 0f', 32],
  ['c5 fc 28 0b', 'c5 fc 29 0f', 32],
  ['c5 f8 10 0b', 'c5 f8 11 0f', 16],
] as const;

scenario(
  'AVX moves come in chunks of eight bytes',
  { oracle: 'off because the emulated processor hides AVX from Xen, which is known' },
  async ({ guest, deviceModel, known }) => {
    await deviceModel.attach('ramWindow', { at: { window: Number(base) }, options: { size: 0x2000 } });
    const program = new MemoryProgram();
    const wanted: (string | undefined)[] = [];
    for (const start of [base, base + 0xfe0n]) {
      for (let i = 0n; i < 72n; i += 8n) program.store(start + i, 8, 0x0807_0605_0403_0201n * (i / 8n + 3n));
    }
    for (const [load, store, bytes] of moves) {
      for (const offset of [0n, 3n, 0xff3n]) {
        const isRefused = load === 'c5 fc 28 0b' && offset !== 0n;
        for (let i = 0n; i < 32n; i += 8n) program.store(target + i, 8, 0n);
        program.add(
          (one) =>
            one.raw(code(`${xsetbv} ${load} ${store}`), {
              registers: { ...enabling, rbx: base + offset, rdi: target },
            }),
          (memory) => {
            if (!isRefused) memory.setBytes(target, memory.bytes(base + offset, bytes));
          },
        );
        wanted.push(isRefused ? '#GP' : undefined);
        for (let i = 0n; i < 32n; i += 8n) program.load(target + i, 8);
      }
    }
    // XSETBV has to leave the guest for Xen (SDM volume 3, 26.1.2; AMD volume 2, 15.9), as CPUID does.
    const evidence = async (): Promise<void> => {
      const { results } = await guest.run((one) => one.cpuid(0).raw(code(xsetbv), { registers: enabling }));
      const [exit = 0, own = Infinity] = results.map(({ cycles }) => cycles);
      expect(own).toBeLessThan(exit / 4);
    };
    await known(
      { reason: 'the emulated processor does not tell Xen that the guest enables AVX', evidence },
      async () => {
        const seen = await guest.run(program.build());
        const faults = seen.results.flatMap(({ op, fault }) => (op === 'raw' ? [fault?.name] : []));
        expect(faults).toEqual(wanted);
        program.check(seen);
        await expect(seen).toMatchOracle();
      },
    );
  },
);
