/**
 * # Background
 * MOVNTPS, MOVNTPD, MOVNTDQ and MOVNTDQA are moves of sixteen aligned bytes that go past the caches. A device has none: they
 * are two requests like every move (is_aligned and the list of moves in xen/arch/x86/x86_emulate/x86_emulate.c).
 *
 * # Method
 * Each of them and LDDQU, to and from a device, and one that is misaligned.
 *
 * # A broken Xen
 * would not know them, or take what is misaligned.
 */
import { expect, HOLE_BELOW_4G, ProgramBuilder, scenario } from 'ioreqlab/scenario';
import { code } from '../prefixes/machine-code.ts';
import { requestsOf } from '../string-io/requests-of.ts';

const base = HOLE_BELOW_4G.start + 0x44_0000n;
const stores = ['0f 2b 0b', '66 0f 2b 0b', '66 0f e7 0b'];
const movntdqa = '66 0f 38 2a 0b';
const lddqu = 'f2 0f f0 0b';

scenario('moves past the caches', async ({ guest, deviceModel }) => {
  await deviceModel.attach('ramWindow', { at: { window: Number(base) } });
  const program = new ProgramBuilder();
  const vector = (first: number): Uint8Array => Uint8Array.from({ length: 16 }, (_, i) => first + i);
  const of = (rbx: bigint, first: number) =>
    ({ registers: { rbx }, vectorBytes: 16, vectors: { 1: vector(first) } }) as const;
  stores.forEach((text, i) => {
    program
      .raw(code(text), of(base, 0x10 * (i + 1)))
      .raw(code(movntdqa), of(base, 0xf0))
      .raw(code(lddqu), of(base, 0xf0))
      .raw(code(text), of(base + 4n, 0));
  });
  program.raw(code(movntdqa), of(base + 8n, 0)).raw(code(lddqu), of(base + 1n, 0));
  const seen = await guest.run(program.build());
  stores.forEach((_, i) => {
    const [stored, loaded, unaligned, refused] = seen.results.slice(4 * i);
    expect([stored?.fault, refused?.fault?.name]).toEqual([undefined, '#GP']);
    for (const one of [loaded, unaligned]) expect(one?.registers?.vectors[1]).toEqual(vector(0x10 * (i + 1)));
  });
  const [refused, last] = seen.results.slice(-2);
  expect(refused?.fault?.name).toBe('#GP');
  expect(last?.registers?.vectors[1]).toEqual(Uint8Array.from([...vector(0x30).subarray(1), 0]));
  expect(requestsOf(await deviceModel.trace())).toEqual([
    ...stores.flatMap(() => ['w8', 'w8', 'r8', 'r8', 'r8', 'r8']),
    ...['r8', 'r8'],
  ]);
  await expect(seen).toMatchOracle();
});
