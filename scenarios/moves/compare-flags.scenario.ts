/**
 * # Background
 * SCAS and CMPS leave the flags of a subtraction, which Xen computes by the processor's own instruction
 * (emulate_2op_SrcV in xen/arch/x86/x86_emulate/x86_emulate.c): SCAS takes memory from RAX, CMPS what is at RDI from what is
 * at RSI.
 *
 * # Method
 * Pairs of values that give every flag on its own, in each width, by SCAS, CMPS, and CMP with memory on either side.
 *
 * # A broken Xen
 * would subtract the other way round, compute by another width, or keep a flag from before.
 */
import { expect, HOLE_BELOW_4G, ProgramBuilder, scenario } from 'ioreqlab/scenario';
import { onRbx, widths } from '../prefixes/machine-code.ts';

const base = HOLE_BELOW_4G.start + 0x19_0000n;
const flags = { carry: 0x1n, parity: 0x4n, adjust: 0x10n, zero: 0x40n, sign: 0x80n, overflow: 0x800n } as const;
const all = Object.values(flags).reduce((so, one) => so | one, 0n);

/** Of `bits` bits: the first, what is taken from it, and the flags by name. */
const pairs = (bits: bigint): readonly (readonly [bigint, bigint, readonly (keyof typeof flags)[]])[] => {
  const top = 1n << (bits - 1n);
  return [
    [5n, 5n, ['zero', 'parity']],
    [0n, 1n, ['carry', 'sign', 'adjust', 'parity']],
    [top, 1n, bits === 8n ? ['overflow', 'adjust'] : ['overflow', 'adjust', 'parity']],
    [top - 1n, top, ['carry', 'sign', 'overflow', 'parity']],
    [0x11n, 0x10n, []],
    [0x10n, 0x01n, ['adjust', 'parity']],
    [top | 0x40n, 0x40n, bits === 8n ? ['sign'] : ['sign', 'parity']],
  ];
};

scenario('the flags of SCAS, CMPS and CMP', async ({ guest, deviceModel }) => {
  await deviceModel.attach('ramWindow', { at: { window: Number(base) } });
  const program = new ProgramBuilder();
  const wanted: bigint[] = [];
  for (const size of widths) {
    for (const [a, b, names] of pairs(BigInt(8 * size))) {
      const value = names.reduce((so, name) => so | flags[name], 0n);
      program
        .store(base, size, a)
        .store(base + 8n, size, b)
        .scas({ size, destination: base + 8n, value: a })
        .cmps({ size, source: base, destination: base + 8n })
        // cmp [rbx], rsi; cmp rsi, [rbx]
        .raw(onRbx(size, [0x38], 6), { registers: { rbx: base, rsi: b }, rflags: all })
        .raw(onRbx(size, [0x3a], 6), { registers: { rbx: base + 8n, rsi: a }, rflags: all });
      wanted.push(value, value, value, value);
    }
  }
  const seen = await guest.run(program.build());
  const after = seen.results.filter(({ op }) => op !== 'store');
  expect(after.map(({ rflags, registers }) => (registers?.rflags ?? rflags) & all)).toEqual(wanted);
  // Nothing was written but by the stores.
  const written = (await deviceModel.trace()).filter(({ isRead }) => !isRead);
  expect(written).toHaveLength(seen.results.length - after.length);
  await expect(seen).toMatchOracle();
});
