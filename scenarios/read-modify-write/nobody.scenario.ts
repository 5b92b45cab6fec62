/**
 * # Background
 * A read-modify-write of memory that nobody owns reads all ones and writes nowhere, without any server
 * (null_handler in xen/arch/x86/hvm/emulate.c); the registers and flags are as if all ones were there.
 *
 * # Method
 * ADD, XCHG, XADD, BTS, INC, CMPXCHG and CMPXCHG8B on a page of nobody, with LOCK; then the same with half of the operand a
 * device's page.
 *
 * # A broken Xen
 * would keep what was written, or give up and fault.
 */
import { expect, HOLE_BELOW_4G, ProgramBuilder, scenario, rulesOf } from 'ioreqlab/scenario';
import { code } from '../prefixes/machine-code.ts';

const nobody = HOLE_BELOW_4G.start + 0x36_0000n;
const device = nobody + 0x1000n;
const ones = 0xffff_ffff_ffff_ffffn;
const [carry, zero] = [1n, 0x40n];
const registers = { rbx: nobody, rsi: 5n, rax: 7n, rcx: 1n, rdx: 2n };

/** Code, the registers that change, and those of CF and ZF. */
const cases = [
  ['f0 48 01 33', {}, carry],
  ['f0 48 ff 03', {}, zero],
  ['48 87 33', { rsi: ones }, 0n],
  ['f0 0f c1 33', { rsi: 0xffff_ffffn }, carry],
  ['f0 48 0f ab 33', {}, carry],
  ['f0 48 0f b1 33', { rax: ones }, carry],
  ['f0 0f c7 0b', { rax: 0xffff_ffffn, rdx: 0xffff_ffffn }, 0n],
] as const;

scenario('read-modify-write of nobody', async ({ guest, deviceModel, xenVersion }) => {
  await deviceModel.attach('ramWindow', { at: { window: Number(device) }, options: { fill: 0xff } });
  const program = new ProgramBuilder();
  for (const [text] of cases) program.raw(code(text), { registers }).load(nobody, 8);
  // All ones are expected, so that it is exchanged, and is not.
  program.raw(code('f0 48 0f b1 33'), { registers: { ...registers, rax: ones } }).load(nobody, 8);
  const seen = await guest.run(program.build());
  cases.forEach(([, changed, flags], i) => {
    const after = seen.results[2 * i]?.registers;
    expect(after?.gpr).toMatchObject({ rsi: 5n, rax: 7n, ...changed });
    expect((after?.rflags ?? 0n) & (carry | zero)).toBe(flags);
  });
  expect(seen.results.at(-2)?.registers?.gpr.rax).toBe(ones);
  expect((seen.results.at(-2)?.registers?.rflags ?? 0n) & zero).toBe(zero);
  expect(seen.results.filter(({ op }) => op === 'load').map(({ rax }) => rax)).toEqual(
    Array.from({ length: cases.length + 1 }, () => ones),
  );
  expect(await deviceModel.trace()).toEqual([]);
  await expect(seen).toMatchOracle();
  // Before 4.20 these would never come to their end: see oracle/gives-up.
  if (!rulesOf(await xenVersion()).operandCachedWhole) return;
  const across = await guest.run((more) =>
    more
      .raw(code('f0 48 01 33'), { registers: { ...registers, rbx: device - 4n, rsi: 0x0000_0002_0000_0001n } })
      .load(device - 8n, 8)
      .load(device, 8),
  );
  // ...ffffffff plus 1 carries into the device's half: 2 more than all ones, and one.
  expect(across.results.slice(1).map(({ rax }) => rax)).toEqual([ones, 0xffff_ffff_0000_0002n]);
  await expect(across).toMatchOracle();
});
