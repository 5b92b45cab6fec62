/**
 * # Background
 * REPNE SCAS looks for a value, REPE SCAS for the first other one: strlen and its kin on a device. Each element is a request
 * (0xae in xen/arch/x86/x86_emulate/x86_emulate.c); nothing may be read beyond the one that is found.
 *
 * # Method
 * The value at each place of a row and nowhere, each width, up and down, across the end of a page; the number of requests
 * is the number of elements that were looked at.
 *
 * # A broken Xen
 * would read on, stop early, or compare more of RAX than the element has.
 */
import { expect, HOLE_BELOW_4G, ProgramBuilder, scenario } from 'ioreqlab/scenario';

const base = HOLE_BELOW_4G.start + 0x18_0000n;
const end = base + 0x1000n;
const count = 5;

scenario('SCAS that ends early', async ({ guest, deviceModel }) => {
  await deviceModel.attach('ramWindow', { at: { window: Number(base) }, options: { size: 0x2000, fill: 0x22 } });
  const program = new ProgramBuilder();
  const wanted: object[] = [];
  let reads = 0;
  const rest = 0x7777_7777_7777_7777n;
  for (const size of [1, 2, 4, 8] as const) {
    const background = BigInt.asUintN(8 * size, 0x2222_2222_2222_2222n);
    const special = background ^ 1n;
    const upper = rest - BigInt.asUintN(8 * size, rest);
    for (const [repeat, backward] of [
      ['repne', false],
      ['repne', true],
      ['rep', false],
    ] as const) {
      const step = BigInt(backward ? -size : size);
      const first = backward ? end + BigInt(size) : end - BigInt(2 * size);
      for (const place of [0, 1, 2, 4, undefined]) {
        const at = first + step * BigInt(place ?? 0);
        if (place !== undefined) program.store(at, size, special);
        const value = upper + (repeat === 'rep' ? background : special);
        program.scas({ size, repeat, count, backward, destination: first, value });
        if (place !== undefined) program.store(at, size, background);
        const done = BigInt(place === undefined ? count : place + 1);
        reads += Number(done);
        const isEqual = (repeat === 'rep') === (place === undefined);
        wanted.push({ rcx: BigInt(count) - done, rdi: first + done * step, zero: isEqual });
      }
    }
  }
  const seen = await guest.run(program.build());
  const ends = seen.results
    .filter(({ op }) => op === 'scas')
    .map(({ rcx, rdi, rflags }) => ({ rcx, rdi, zero: (rflags & 0x40n) !== 0n }));
  expect(ends).toEqual(wanted);
  expect((await deviceModel.trace()).filter(({ isRead }) => isRead)).toHaveLength(reads);
  await expect(seen).toMatchOracle();
});
