/**
 * # Background
 * PINSR and PEXTR move one element of a vector from or to memory: 1, 2, 4 or 8 bytes. PEXTR is executed by Xen into a place
 * of its own and then written (pextr in xen/arch/x86/x86_emulate/x86_emulate.c), with as many bytes as the element has.
 *
 * # Method
 * PINSRB, PINSRD, PINSRQ, PEXTRB, PEXTRW, PEXTRD, PEXTRQ and EXTRACTPS of the first, a middle and the last element, and of
 * one beyond it, which counts from the beginning again.
 *
 * # A broken Xen
 * would write more than the element, or another one.
 */
import { expect, HOLE_BELOW_4G, ProgramBuilder, scenario } from 'ioreqlab/scenario';
import { code } from '../prefixes/machine-code.ts';
import { requestsOf } from '../string-io/requests-of.ts';

const base = HOLE_BELOW_4G.start + 0x41_0000n;
const counting = (first: number, length: number): number[] => Array.from({ length }, (_, i) => first + i);

/** Code without the number of the element, and its bytes. */
const inserts = [
  ['66 0f 3a 20 0b', 1],
  ['66 0f 3a 22 0b', 4],
  ['66 48 0f 3a 22 0b', 8],
] as const;
const extracts = [
  ['66 0f 3a 14 0b', 1],
  ['66 0f 3a 15 0b', 2],
  ['66 0f 3a 16 0b', 4],
  ['66 48 0f 3a 16 0b', 8],
  ['66 0f 3a 17 0b', 4],
] as const;

scenario('elements of a vector', async ({ guest, deviceModel }) => {
  await deviceModel.attach('ramWindow', { at: { window: Number(base) } });
  const program = new ProgramBuilder().store(base, 8, 0x1817_1615_1413_1211n);
  const vectors = { 1: Uint8Array.from(counting(0xa0, 16)) };
  const common = { registers: { rbx: base }, vectorBytes: 16, vectors } as const;
  const numbers = (size: number): number[] => [0, 8 / size, 16 / size - 1, 16 / size + 1];
  const codeOf = (text: string, number: number): Uint8Array => Uint8Array.from([...code(text), number]);
  const loaded: number[][] = [];
  for (const [text, size] of inserts) {
    for (const number of numbers(size)) {
      program.raw(codeOf(text, number), common);
      const wanted = counting(0xa0, 16);
      wanted.splice((number * size) % 16, size, ...counting(0x11, size));
      loaded.push(wanted);
    }
  }
  const stored: bigint[] = [];
  for (const [text, size] of extracts) {
    for (const number of numbers(size)) {
      program.store(base, 8, 0).raw(codeOf(text, number), common).load(base, 8);
      const element = counting(0xa0 + ((number * size) % 16), size);
      stored.push(element.reduceRight((so, byte) => (so << 8n) | BigInt(byte), 0n));
    }
  }
  const seen = await guest.run(program.build());
  const after = seen.results.slice(1, 1 + loaded.length).map(({ registers }) => [...(registers?.vectors[1] ?? [])]);
  expect(after).toEqual(loaded);
  expect(seen.results.filter(({ op }) => op === 'load').map(({ rax }) => rax)).toEqual(stored);
  expect(requestsOf(await deviceModel.trace())).toEqual([
    'w8',
    ...inserts.flatMap(([, size]) => numbers(size).map(() => `r${size}`)),
    ...extracts.flatMap(([, size]) => numbers(size).flatMap(() => ['w8', `w${size}`, 'r8'])),
  ]);
  await expect(seen).toMatchOracle();
});
