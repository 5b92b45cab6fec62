/**
 * # Background
 * What an instruction has read and written in MMIO so far is in a cache of three entries (hvmemul_find_mmio_cache in
 * xen/arch/x86/hvm/emulate.c). Until 4.20 each page of an operand took one: a read-modify-write across a page needs four.
 * Xen then gives the instruction up, which is a #GP where the guest has just exited. But here a device model's answer has
 * brought Xen back (VIO_mmio_completion), where nobody looks at the outcome: the guest goes on with the same instruction,
 * from its beginning, for ever, and the device gets the same requests again and again (672894a11f mended the cache).
 *
 * # Method
 * One ADD to eight bytes across two pages of a device's memory, in a guest that is given five seconds for it.
 *
 * # A broken Xen
 * is what we have before 4.20: the first byte is written again and again, each time one higher. Later ones make one read and
 * one write of each part.
 */
import { expect, HOLE_BELOW_4G, scenario } from 'ioreqlab/scenario';
import window from '../memory/window.device.ts';

const base = HOLE_BELOW_4G.start;
/** add [rbx], rsi */
const add = Uint8Array.of(0x48, 0x01, 0x33);
const registers = { rbx: base + 0xfffn, rsi: 1n };

scenario('an instruction that needs four entries of the cache', async ({ guest, deviceModel, known, host }) => {
  for (let page = 0; page < 2; page++) await deviceModel.attach(window, { at: { page: Number(base) + 0x1000 * page } });
  const seen = await guest
    .run((program) => program.raw(add, { registers }), AbortSignal.timeout(5_000))
    .catch((error: Error & { readonly code?: unknown }) => {
      if (error.name === 'TimeoutError' || error.code === 'GUEST_LIVELOCK') return undefined;
      throw error;
    });
  await known({ before: 'operandCachedWhole' }, async () => {
    expect(seen, 'what the instruction left').toBeDefined();
  });
  if (seen !== undefined) {
    await expect(seen).toMatchOracle();
    return;
  }
  // The model knows that it would be for ever.
  if (host.kind === 'model') return;
  // From the beginning of a turn: a trace keeps the newest requests only.
  const kept = await deviceModel.trace();
  const records = kept.slice(kept.findIndex(({ isRead, address }) => isRead && address === base + 0xfffn));
  const turn = records.slice(0, 5).map(({ isRead, address, size }) => [isRead, address - base, size]);
  expect(turn).toEqual([
    [true, 0xfffn, 1],
    [true, 0x1000n, 4],
    [true, 0x1004n, 2],
    [true, 0x1006n, 1],
    [false, 0xfffn, 1],
  ]);
  const written = records.filter(({ isRead }) => !isRead).map(({ data }) => data);
  expect(written.length).toBeGreaterThan(3);
  const [first = 0n] = written;
  expect(written.slice(0, 3)).toEqual([first, (first + 1n) & 0xffn, (first + 2n) & 0xffn]);
});
