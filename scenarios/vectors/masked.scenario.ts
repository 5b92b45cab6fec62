/**
 * # Background
 * MASKMOVDQU writes the bytes whose mask is set. Xen cannot write single bytes of a vector: it reads all sixteen, puts in
 * what is set, and writes all sixteen; only when no bit is set it does nothing (the case of 0xf7 in
 * xen/arch/x86/x86_emulate/x86_emulate.c says that it cannot do better).
 *
 * # Method
 * Masks of all, of one, of every second byte, and none, aligned and not: the requests, and the memory.
 *
 * # A broken Xen
 * is what we have as far as the reads go: a device that counts them sees two that no processor makes. One that is worse
 * would write bytes that are not masked.
 */
import { expect, HOLE_BELOW_4G, scenario } from 'ioreqlab/scenario';
import { MemoryProgram } from '../memory/memory-program.ts';
import { code } from '../prefixes/machine-code.ts';
import { requestsOf } from '../string-io/requests-of.ts';

const base = HOLE_BELOW_4G.start + 0x43_0000n;
const masks: readonly (readonly number[])[] = [
  Array.from({ length: 16 }, () => 0xff),
  Array.from({ length: 16 }, (_, i) => (i === 11 ? 0x80 : 0x7f)),
  Array.from({ length: 16 }, (_, i) => (i % 2 === 0 ? 0x80 : 0)),
  Array.from({ length: 16 }, () => 0x7f),
];

scenario('a masked store', async ({ guest, deviceModel }) => {
  await deviceModel.attach('ramWindow', { at: { window: Number(base) }, options: { fill: 0x11 } });
  const program = new MemoryProgram();
  const requests: string[] = [];
  for (let i = 0n; i < 24n; i += 8n) program.memory.store(base + i, 8, 0x1111_1111_1111_1111n);
  masks.forEach((mask, turn) => {
    for (const offset of [0n, 3n]) {
      const source = Uint8Array.from({ length: 16 }, (_, i) => 0x20 + 32 * turn + i);
      program.add(
        // maskmovdqu xmm1, xmm2
        (one) =>
          one.raw(code('66 0f f7 ca'), {
            ...{ registers: { rdi: base + offset }, vectorBytes: 16 },
            vectors: { 1: source, 2: Uint8Array.from(mask) },
          }),
        (memory) => {
          mask.forEach((bits, i) => bits >= 0x80 && memory.setByte(base + offset + BigInt(i), source[i] ?? 0));
        },
      );
      if (turn < 3) requests.push('r8', 'r8', 'w8', 'w8');
      for (let i = 0n; i < 24n; i += 8n) program.load(base + i, 8);
      requests.push('r8', 'r8', 'r8');
    }
  });
  const seen = await guest.run(program.build());
  program.check(seen);
  expect(requestsOf(await deviceModel.trace())).toEqual(requests);
  await expect(seen).toMatchOracle();
});
