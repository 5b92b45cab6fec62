/**
 * # Background
 * LODS from a device is a request for each element, also with REP: there is no batch, since only the last value stays (0xac
 * in xen/arch/x86/x86_emulate/x86_emulate.c).
 *
 * # Method
 * LODS and REP LODS of each width, up and down, in a page and across its end; RAX keeps or loses its upper part as by MOV.
 *
 * # A broken Xen
 * would read too few elements, or leave another one's value in RAX.
 */
import { expect, HOLE_BELOW_4G, scenario } from 'ioreqlab/scenario';
import { MemoryProgram } from '../memory/memory-program.ts';

const base = HOLE_BELOW_4G.start + 0x12_0000n;
const end = base + 0x1000n;
const rax = 0xa8a7_a6a5_a4a3_a2a1n;

scenario('LODS', async ({ guest, deviceModel }) => {
  await deviceModel.attach('ramWindow', { at: { window: Number(base) }, options: { size: 0x2000 } });
  const program = new MemoryProgram();
  for (let i = -32n; i < 32n; i += 8n)
    program.store(end + i, 8, 0x0706_0504_0302_0100n + (i + 64n) * 0x0101_0101_0101_0101n);
  let reads = 0;
  for (const size of [1, 2, 4, 8] as const) {
    for (const backward of [false, true]) {
      const step = BigInt(backward ? -size : size);
      for (const [first, count] of [
        [end - 16n, 1],
        [backward ? end : end - BigInt(size), 2],
        [backward ? end + 4n : end - 5n, 3],
      ] as const) {
        const value = program.memory.load(first + step * BigInt(count - 1), size);
        const kept = size >= 4 ? 0n : rax - BigInt.asUintN(8 * size, rax);
        const repeat = count === 1 ? 'none' : 'rep';
        program.expecting(`${count} of ${size} at 0x${first.toString(16)}`, kept + value, (one) =>
          one.lods({ size, source: first, count, repeat, backward, rax }),
        );
        for (let i = 0n; i < count; i++) {
          const at = first + i * step;
          const below = at < end && at + BigInt(size) > end ? Number(end - at) : 0;
          // Parts of 1, 2 and 4 bytes.
          const chunks = (length: number): number => [0, 1, 1, 2, 1, 2, 2, 3, 1][length] ?? 0;
          reads += chunks(below) + chunks(size - below);
        }
      }
    }
  }
  const seen = await guest.run(program.build());
  program.check(seen);
  expect((await deviceModel.trace()).filter(({ isRead }) => isRead)).toHaveLength(reads);
  await expect(seen).toMatchOracle();
});
