/**
 * # Background
 * REP MOVS between RAM and a device's memory comes in batches with the RAM's guest-physical address (data_is_ptr); REP
 * STOS comes as one value to be stored `count` times (hvmemul_rep_movs, hvmemul_rep_stos in
 * xen/arch/x86/hvm/emulate.c).
 *
 * # Method
 * Copies a pattern from RAM into a page of device memory and back to another place in RAM, and fills part of the page;
 * widths of 1, 2, 4 and 8 bytes, up and down.
 *
 * # A broken Xen
 * would step one of the two sides wrongly, lose repetitions at the end of a page, or store another value.
 */
import { expect, HOLE_BELOW_4G, scenario, SCRATCH } from 'ioreqlab/scenario';
import window from '../memory/window.device.ts';

const page = HOLE_BELOW_4G.start;
const count = 20;

scenario('REP MOVS to and from a device, REP STOS to it', async ({ guest, deviceModel }) => {
  await deviceModel.attach(window, { at: { page: Number(page) } });
  for (const size of [1, 2, 4, 8] as const) {
    for (const backward of [false, true]) {
      const length = count * size;
      const bytes = BigInt(length);
      const last = backward ? bytes - BigInt(size) : 0n;
      const pattern = Uint8Array.from({ length }, (_, i) => (i * 7 + size) & 0xff);
      // The source lies across a page's end.
      const source = SCRATCH.start + 0x2000n - bytes / 2n;
      const back = SCRATCH.start + 0x5000n;
      const value = BigInt.asUintN(8 * size, 0x8899aabbccddeeffn);
      const seen = await guest.run((program) =>
        program
          .write(source, pattern)
          .repMovs({ size, count, backward, source: source + last, destination: page + 0x40n + last })
          .repMovs({ size, count, backward, source: page + 0x40n + last, destination: back + last })
          .read(back, length)
          .repStos({ size, count, backward, destination: page + 0x400n + last, value })
          .load(page + 0x400n, size)
          .load(page + 0x400n + bytes - BigInt(size), size)
          .load(page + 0x400n + bytes, size),
      );
      const [, there, here, read, stos, firstStored, lastStored, beyond] = seen.results;
      expect(read?.bytes).toEqual(pattern);
      expect([there?.rcx, here?.rcx, stos?.rcx]).toEqual([0n, 0n, 0n]);
      const moved = backward ? -bytes : bytes;
      expect(there?.rsi).toBe(source + last + moved);
      expect(here?.rdi).toBe(back + last + moved);
      expect(BigInt.asUintN(8 * size, firstStored?.rax ?? 0n)).toBe(value);
      expect(BigInt.asUintN(8 * size, lastStored?.rax ?? 0n)).toBe(value);
      expect(BigInt.asUintN(8 * size, beyond?.rax ?? 1n)).toBe(0n);
      await expect(seen).toMatchOracle();
      await guest.run((program) => program.repStos({ size: 8, count: 512, destination: page, value: 0 }));
    }
  }
});
