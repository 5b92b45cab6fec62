/**
 * # Background
 * SSE arithmetic with memory on its right reads sixteen bytes, which Xen gets by two requests and gives to the instruction
 * in a copy of its own (simd_0f_common in xen/arch/x86/x86_emulate/x86_emulate.c). The operand has to be aligned.
 *
 * # Method
 * PXOR, POR, PAND, PANDN, PADDB, PADDW, PADDD, PADDQ with values whose sums carry from element to element if they are taken
 * for wider ones; each once misaligned.
 *
 * # A broken Xen
 * would swap the two halves, use what an answer before has left, or take what is misaligned.
 */
import { expect, HOLE_BELOW_4G, ProgramBuilder, scenario } from 'ioreqlab/scenario';
import { requestsOf } from '../string-io/requests-of.ts';

const base = HOLE_BELOW_4G.start + 0x42_0000n;
const mine = [0xffff_ffff_ffff_ff81n, 0x0180_01ff_7fff_ffffn] as const;
const there = [0x0102_03ff_8001_017fn, 0xff80_ff01_8000_0001n] as const;

/** The sum of two words by elements of some bits. */
const sum = (bits: number) => (a: bigint, b: bigint) => {
  let value = 0n;
  for (let at = 0n; at < 64n; at += BigInt(bits)) value |= BigInt.asUintN(bits, (a >> at) + (b >> at)) << at;
  return value;
};
const operations: readonly (readonly [number, (a: bigint, b: bigint) => bigint])[] = [
  [0xef, (a, b) => a ^ b],
  [0xeb, (a, b) => a | b],
  [0xdb, (a, b) => a & b],
  [0xdf, (a, b) => ~a & b],
  [0xfc, sum(8)],
  [0xfd, sum(16)],
  [0xfe, sum(32)],
  [0xd4, sum(64)],
];

scenario('arithmetic of vectors', async ({ guest, deviceModel }) => {
  await deviceModel.attach('ramWindow', { at: { window: Number(base) } });
  const program = new ProgramBuilder().store(base, 8, there[0]).store(base + 8n, 8, there[1]);
  const vector = new Uint8Array(16);
  const view = new DataView(vector.buffer);
  mine.forEach((word, i) => view.setBigUint64(8 * i, word, true));
  for (const [opcode] of operations) {
    const of = (rbx: bigint) => ({ registers: { rbx }, vectorBytes: 16, vectors: { 1: vector, 9: vector } }) as const;
    program
      .raw(Uint8Array.of(0x66, 0x0f, opcode, 0x0b), of(base))
      .raw(Uint8Array.of(0x66, 0x44, 0x0f, opcode, 0x0b), of(base))
      .raw(Uint8Array.of(0x66, 0x0f, opcode, 0x0b), of(base + 8n));
  }
  const seen = await guest.run(program.build());
  const words = (bytes: Uint8Array | undefined): bigint[] => {
    const at = new DataView((bytes ?? new Uint8Array(16)).slice().buffer);
    return [at.getBigUint64(0, true), at.getBigUint64(8, true)];
  };
  operations.forEach(([, compute], i) => {
    const [one, nine, misaligned] = seen.results.slice(2 + 3 * i);
    const wanted = [0, 1].map((half) => BigInt.asUintN(64, compute(mine[half] ?? 0n, there[half] ?? 0n)));
    expect(words(one?.registers?.vectors[1])).toEqual(wanted);
    expect(words(nine?.registers?.vectors[9])).toEqual(wanted);
    expect(misaligned?.fault?.name).toBe('#GP');
    expect(words(misaligned?.registers?.vectors[1])).toEqual([...mine]);
  });
  expect(requestsOf(await deviceModel.trace())).toEqual([
    'w8',
    'w8',
    ...operations.flatMap(() => ['r8', 'r8', 'r8', 'r8']),
  ]);
  await expect(seen).toMatchOracle();
});
