/**
 * # Background
 * Some instructions name memory and do not read or write it: LEA, NOP, PREFETCH, CLFLUSH. None is a request: a device must
 * not notice. CLFLUSH may leave the guest, and then is a cache operation for Xen (hvmemul_cache_op in
 * xen/arch/x86/hvm/emulate.c).
 *
 * # Method
 * Each of them on a device's memory, between a store and a load of the same place; the device sees these two.
 *
 * # A broken Xen
 * would read the operand, or refuse an instruction that does nothing.
 */
import { expect, HOLE_BELOW_4G, ProgramBuilder, scenario } from 'ioreqlab/scenario';
import { code } from '../prefixes/machine-code.ts';

const base = HOLE_BELOW_4G.start + 0x9_0000n;
const silent = {
  'lea rax, [rbx + 8]': '48 8d 43 08',
  'lea eax, [rbx + 8]': '8d 43 08',
  'nop [rbx]': '0f 1f 03',
  'nop word [rbx + 4]': '66 0f 1f 43 04',
  'prefetchnta [rbx]': '0f 18 03',
  'prefetcht0 [rbx]': '0f 18 0b',
  'prefetchw [rbx]': '0f 0d 0b',
  'clflush [rbx]': '0f ae 3b',
};

scenario('instructions that only name memory', async ({ guest, deviceModel }) => {
  await deviceModel.attach('ramWindow', { at: { window: Number(base) } });
  const program = new ProgramBuilder();
  for (const text of Object.values(silent)) {
    program
      .store(base, 4, 0x7071_7273)
      .raw(code(text), { registers: { rbx: base } })
      .load(base, 4);
  }
  const seen = await guest.run(program.build());
  expect(seen.results.every(({ fault }) => fault === undefined)).toBe(true);
  const [whole, low] = [1, 4].map((i) => seen.results[i]?.registers?.gpr.rax);
  expect([whole, low]).toEqual([base + 8n, base + 8n]);
  expect(await deviceModel.trace()).toHaveLength(2 * Object.keys(silent).length);
  await expect(seen).toMatchOracle();
});
