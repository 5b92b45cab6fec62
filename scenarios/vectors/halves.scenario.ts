/**
 * # Background
 * MOVLPS, MOVHPS and their kin access eight bytes of memory and half of a register, the other half stays
 * (0x12 to 0x17 in xen/arch/x86/x86_emulate/x86_emulate.c). Xen executes the instruction itself, on the guest's registers,
 * with its own copy of the eight bytes as the operand.
 *
 * # Method
 * Each in both directions, with registers 1 and 9, aligned and not; the register, the memory around, and one request each.
 *
 * # A broken Xen
 * would access sixteen bytes, or the other half.
 */
import { expect, HOLE_BELOW_4G, ProgramBuilder, scenario } from 'ioreqlab/scenario';
import { code } from '../prefixes/machine-code.ts';
import { requestsOf } from '../string-io/requests-of.ts';

const base = HOLE_BELOW_4G.start + 0x40_0000n;
const counting = (first: number, length: number): number[] => Array.from({ length }, (_, i) => first + i);

/** Load and store of xmm1 and [rbx], of xmm9 and [rbx], and the half. */
const moves = [
  ['0f 12 0b', '0f 13 0b', 1, 0],
  ['66 0f 12 0b', '66 0f 13 0b', 1, 0],
  ['0f 16 0b', '0f 17 0b', 1, 8],
  ['66 0f 16 0b', '66 0f 17 0b', 1, 8],
  ['44 0f 12 0b', '44 0f 13 0b', 9, 0],
  ['66 44 0f 16 0b', '66 44 0f 17 0b', 9, 8],
] as const;

scenario('halves of a vector', async ({ guest, deviceModel }) => {
  await deviceModel.attach('ramWindow', { at: { window: Number(base) } });
  const program = new ProgramBuilder();
  const wanted: unknown[] = [];
  for (const [load, store, number, at] of moves) {
    for (const offset of [0n, 5n]) {
      const vectors = { [number]: Uint8Array.from(counting(0xa0, 16)) };
      const common = { registers: { rbx: base + offset }, vectorBytes: 16, vectors } as const;
      program
        .store(base + offset, 8, 0x1817_1615_1413_1211n)
        .raw(code(load), common)
        .raw(code(store), common)
        .load(base + offset, 8);
      const merged = counting(0xa0, 16);
      merged.splice(at, 8, ...counting(0x11, 8));
      const stored = at === 0 ? 0xa7a6_a5a4_a3a2_a1a0n : 0xafae_adac_abaa_a9a8n;
      wanted.push([merged, stored]);
    }
  }
  const seen = await guest.run(program.build());
  const results = wanted.map((_, i) => {
    const number = moves[i >> 1]?.[2] ?? 0;
    return [[...(seen.results[4 * i + 1]?.registers?.vectors[number] ?? [])], seen.results[4 * i + 3]?.rax];
  });
  expect(results).toEqual(wanted);
  expect(requestsOf(await deviceModel.trace())).toEqual(wanted.flatMap(() => ['w8', 'r8', 'w8', 'r8']));
  await expect(seen).toMatchOracle();
});
