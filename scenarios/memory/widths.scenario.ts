/**
 * # Background
 * A guest frame without memory is emulated: Xen turns a load or store of 1, 2, 4 or 8 bytes into one request of that
 * size (hvmemul_linear_mmio_access in xen/arch/x86/hvm/emulate.c), also when it is misaligned within its page.
 *
 * # Method
 * Stores and loads every width at aligned and misaligned offsets of a page of device memory, below and above 4 GiB.
 *
 * # A broken Xen
 * would split, widen or shift an access, or lose the upper half of eight bytes.
 */
import { expect, HOLE_ABOVE_4G, HOLE_BELOW_4G, scenario } from 'ioreqlab/scenario';
import window from './window.device.ts';

scenario('loads and stores of 1, 2, 4 and 8 bytes', async ({ guest, deviceModel }) => {
  for (const base of [HOLE_BELOW_4G.start, HOLE_ABOVE_4G.start]) {
    await deviceModel.attach(window, { at: { page: Number(base) } });
    const seen = await guest.run((program) =>
      program
        .store(base, 8, 0x8877665544332211n)
        .load(base, 1)
        .load(base + 1n, 2)
        .load(base + 3n, 4)
        .load(base, 8)
        .store(base + 9n, 2, 0xbbaa)
        .store(base + 11n, 1, 0xcc)
        .store(base + 12n, 4, 0x00ffeedd)
        .load(base + 9n, 8)
        .load(base + 4090n, 4),
    );
    expect([1, 2, 3].map((i) => seen.results[i]?.value)).toEqual([0x11, 0x3322, 0x77665544]);
    expect(seen.results[4]?.rax).toBe(0x8877665544332211n);
    expect(seen.results[8]?.rax).toBe(0x00ffeeddccbbaan);
    expect(seen.results[9]?.value).toBe(0);
    await expect(seen).toMatchOracle();
  }
});
