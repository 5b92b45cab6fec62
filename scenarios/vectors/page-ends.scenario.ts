/**
 * # Background
 * Sixteen bytes across the end of a page are in parts, each in chunks of 8, 4, 2 and 1: up to six requests of one instruction,
 * which Xen begins anew after each (hvmemul_linear_mmio_access in xen/arch/x86/hvm/emulate.c). Its buffer for one operand
 * holds 64 bytes; what was read is taken from there.
 *
 * # Method
 * MOVUPS to and from two servers' pages at every distance across the end between them, across the end of RAM, and with
 * nobody behind.
 *
 * # A broken Xen
 * would put a chunk in the wrong place of the buffer, as 4.13 to 4.19 did in other cases, or ask for one twice.
 */
import { expect, scenario } from 'ioreqlab/scenario';
import { MemoryProgram } from '../memory/memory-program.ts';
import { PlainMemory } from '../memory/plain-memory.ts';
import { code } from '../prefixes/machine-code.ts';

/** The guest has 64 MiB: RAM below, MMIO from here on. */
const edge = 0x400_0000n;
const end = edge + 0x1000n;
const nobody = edge + 0x2000n;

scenario('vectors across the ends of pages', async ({ guest, deviceModel }) => {
  await deviceModel.attach('ramWindow', { server: 'one', at: { window: Number(edge) } });
  await deviceModel.attach('ramWindow', { server: 'other', at: { window: Number(end) } });
  const program = new MemoryProgram(new PlainMemory(0, (at) => at < nobody));
  const wanted: Uint8Array[] = [];
  for (const middle of [edge, end, nobody]) {
    for (let i = -16n; i < 16n; i += 8n) program.store(middle + i, 8, 0x0807_0605_0403_0201n * (i + 17n));
    for (let before = 1n; before < 16n; before += middle === end ? 1n : 4n) {
      const at = middle - before;
      const common = { registers: { rbx: at }, vectorBytes: 16 } as const;
      const vector = Uint8Array.from({ length: 16 }, (_, i) => Number(before) * 16 + i);
      wanted.push(program.memory.bytes(at, 16));
      program
        .add((one) => one.raw(code('0f 10 0b'), common))
        .add(
          (one) => one.raw(code('0f 11 0b'), { ...common, vectors: { 0: vector, 1: vector } }),
          (memory) => memory.setBytes(at, vector),
        );
    }
    for (let i = -16n; i < 16n; i += 8n) program.load(middle + i, 8);
  }
  const seen = await guest.run(program.build());
  program.check(seen);
  const loaded = seen.results.flatMap(({ registers }) => (registers === undefined ? [] : [registers.vectors[1]]));
  expect(loaded.filter((_, i) => i % 2 === 0)).toEqual(wanted);
  expect((await deviceModel.trace('one')).every(({ address }) => address >= edge && address < end)).toBe(true);
  expect((await deviceModel.trace('other')).every(({ address }) => address >= end && address < nobody)).toBe(true);
  await expect(seen).toMatchOracle();
});
