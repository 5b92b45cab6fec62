/**
 * # Background
 * REPE CMPS goes on while elements are equal, REPNE while they are not; Xen reads both operands of each element by requests
 * of their own (0xa6 in xen/arch/x86/x86_emulate/x86_emulate.c) and looks at ZF after each.
 *
 * # Method
 * Two pieces of memory that differ, or agree, in one element alone: the first, one in the middle, the last, or none. In
 * devices of two servers, and in a device and RAM, either way round; each width, up and down. RCX, RSI, RDI and the flags
 * say where it ended.
 *
 * # A broken Xen
 * would go one element too far or stop early, swap the operands, which shows in CF, or lose the flags between elements.
 */
import { expect, HOLE_BELOW_4G, ProgramBuilder, scenario, SCRATCH } from 'ioreqlab/scenario';

const one = HOLE_BELOW_4G.start + 0x16_0000n;
const other = HOLE_BELOW_4G.start + 0x17_0000n;
const ram = SCRATCH.start + 0x7_0000n;
const count = 4;
const zero = 0x40n;
const carry = 1n;

scenario('CMPS that ends early', async ({ guest, deviceModel }) => {
  await deviceModel.attach('ramWindow', { server: 'one', at: { window: Number(one) } });
  await deviceModel.attach('ramWindow', { server: 'other', at: { window: Number(other) } });
  const program = new ProgramBuilder();
  const wanted: object[] = [];
  for (const [size, source, destination] of [
    [1, one, other],
    [2, one, ram],
    [4, ram, other],
    [8, one, one + 0x80n],
  ] as const) {
    for (const [repeat, backward] of [
      ['rep', false],
      ['repne', true],
    ] as const) {
      for (const odd of [0, 2, 3, undefined]) {
        const step = BigInt(backward ? -size : size);
        const down = backward ? BigInt(size * (count - 1)) : 0n;
        for (let i = 0; i < count; i++) {
          const at = down + step * BigInt(i);
          // With REPE all but one are the same; with REPNE all but one differ: 3 against 5.
          const isSame = (i === odd) !== (repeat === 'rep');
          program.store(source + at, size, 3).store(destination + at, size, isSame ? 3 : 5);
        }
        program.cmps({ size, repeat, count, backward, source: source + down, destination: destination + down });
        const done = BigInt(odd === undefined ? count : odd + 1);
        const last = (repeat === 'rep') === (odd === undefined);
        wanted.push({
          rcx: BigInt(count) - done,
          rsi: source + down + done * step,
          rdi: destination + down + done * step,
          flags: last ? zero : carry,
        });
      }
    }
  }
  const seen = await guest.run(program.build());
  const ends = seen.results
    .filter(({ op }) => op === 'cmps')
    .map(({ rcx, rsi, rdi, rflags }) => ({ rcx, rsi, rdi, flags: rflags & (zero | carry) }));
  expect(ends).toEqual(wanted);
  await expect(seen).toMatchOracle();
});
