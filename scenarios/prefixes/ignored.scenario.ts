/**
 * # Background
 * Xen decodes an instruction a second time, after the processor, and has to leave out the same prefixes (x86_decode in
 * xen/arch/x86/x86_emulate/decode.c): segments without a base, REP before what does not repeat, 0x66 beside REX.W, and REX
 * anywhere but right before the opcode.
 *
 * # Method
 * Machine code: loads and stores with prefixes that do not count, alone and several; what arrives has the width that the
 * last REX or 0x66 says.
 *
 * # A broken Xen
 * would take another width, repeat, or refuse.
 */
import { expect, HOLE_BELOW_4G, ProgramBuilder, scenario } from 'ioreqlab/scenario';
import { requestsOf } from '../string-io/requests-of.ts';
import { code } from './machine-code.ts';

const base = HOLE_BELOW_4G.start + 0x50_0000n;
const there = 0x1817_1615_1413_1211n;
const rax = 0xa8a7_a6a5_a4a3_a2a1n;

/** Code of a load to RAX, RAX afterwards, the request. */
const loads: readonly (readonly [string, bigint, string])[] = [
  ['26 8b 03', 0x1413_1211n, 'r4'],
  ['2e 36 3e 8b 03', 0x1413_1211n, 'r4'],
  ['64 48 8b 03', there, 'r8'],
  ['f2 8b 03', 0x1413_1211n, 'r4'],
  ['f3 8a 03', 0xa8a7_a6a5_a4a3_a211n, 'r1'],
  ['66 48 8b 03', there, 'r8'],
  ['66 66 8b 03', 0xa8a7_a6a5_a4a3_1211n, 'r2'],
  ['48 66 8b 03', 0xa8a7_a6a5_a4a3_1211n, 'r2'],
  ['48 2e 8b 03', 0x1413_1211n, 'r4'],
  ['41 40 8b 03', 0x1413_1211n, 'r4'],
  ['40 48 8b 03', there, 'r8'],
  ['66 8a 03', 0xa8a7_a6a5_a4a3_a211n, 'r1'],
  ['f3 66 8b 03', 0xa8a7_a6a5_a4a3_1211n, 'r2'],
  ['66 f2 0f b6 03', 0xa8a7_a6a5_a4a3_0011n, 'r1'],
];
/** Code of a store of RAX, the eight bytes afterwards, the request. */
const stores: readonly (readonly [string, bigint, string])[] = [
  // With 0xf3 it is XRELEASE for some processors.
  ['f3 89 03', 0x1817_1615_a4a3_a2a1n, 'w4'],
  ['66 48 89 03', rax, 'w8'],
  ['48 66 89 03', 0x1817_1615_1413_a2a1n, 'w2'],
  ['26 3e 64 88 03', 0x1817_1615_1413_12a1n, 'w1'],
  ['f2 66 c7 03 34 12', 0x1817_1615_1413_1234n, 'w2'],
  ['66 48 c7 03 78 56 34 92', 0xffff_ffff_9234_5678n, 'w8'],
];

scenario('prefixes that do not count', async ({ guest, deviceModel }) => {
  await deviceModel.attach('ramWindow', { at: { window: Number(base) } });
  const program = new ProgramBuilder().store(base, 8, there);
  const registers = { rbx: base, rax };
  for (const [text] of loads) program.raw(code(text), { registers });
  for (const [text] of stores) program.store(base, 8, there).raw(code(text), { registers }).load(base, 8);
  const seen = await guest.run(program.build());
  const loaded = seen.results.slice(1, 1 + loads.length).map(({ registers: after }) => after?.gpr.rax);
  expect(loaded).toEqual(loads.map(([, value]) => value));
  expect(seen.results.filter(({ op }) => op === 'load').map((one) => one.rax)).toEqual(
    stores.map(([, value]) => value),
  );
  expect(requestsOf(await deviceModel.trace())).toEqual([
    'w8',
    ...loads.map(([, , request]) => request),
    ...stores.flatMap(([, , request]) => ['w8', request, 'r8']),
  ]);
  await expect(seen).toMatchOracle();
});
