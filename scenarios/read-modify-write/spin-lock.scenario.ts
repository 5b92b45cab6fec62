/**
 * # Background
 * What a guest does with LOCK on a device's memory works as long as nobody else is at it: CMPXCHG and BTS tell whether the
 * lock was free. The read and the write are two requests, so a device sees the old value and then the new one
 * (hvmemul_cmpxchg and hvmemul_rmw in xen/arch/x86/hvm/emulate.c).
 *
 * # Method
 * Machine code that takes a lock by CMPXCHG, adds to a counter, and gives the lock back by XCHG, three times; takes it once
 * more, and fails to take it by BTS; then CMPXCHG16B of two words. The requests, one by one.
 *
 * # A broken Xen
 * would write although the lock is held, or tell the guest that it got it.
 */
import { expect, HOLE_BELOW_4G, ProgramBuilder, scenario } from 'ioreqlab/scenario';
import { code } from '../prefixes/machine-code.ts';

const base = HOLE_BELOW_4G.start + 0x38_0000n;
/** lock cmpxchg [rbx], esi; lock add dword [rbx + 8], 5; xchg [rbx], edi */
const section = code('f0 0f b1 33   f0 83 43 08 05   87 3b');

scenario('a lock in a device', async ({ guest, deviceModel }) => {
  await deviceModel.attach('ramWindow', { at: { window: Number(base) } });
  const program = new ProgramBuilder();
  for (let i = 0; i < 3; i++) program.raw(section, { registers: { rbx: base, rsi: 1n } });
  program
    .raw(code('f0 0f b1 33'), { registers: { rbx: base, rsi: 1n } })
    .raw(code('f0 0f b1 33'), { registers: { rbx: base, rsi: 9n } })
    .raw(code('f0 0f ba 2b 00'), { registers: { rbx: base } })
    .load(base, 4)
    .load(base + 8n, 4)
    .raw(code('f0 48 0f c7 0f'), { registers: { rdi: base, rax: 1n, rdx: 15n, rbx: 2n, rcx: 3n } })
    .load(base, 8)
    .load(base + 8n, 8);
  const seen = await guest.run(program.build());
  expect([6, 7, 9, 10].map((i) => seen.results[i]?.rax)).toEqual([1n, 15n, 2n, 3n]);
  const after = [0, 1, 2, 3, 4, 5, 8].map((i) => seen.results[i]?.registers);
  // What XCHG took out: the lock that was held.
  expect(after.slice(0, 3).map((one) => one?.gpr.rdi)).toEqual([1n, 1n, 1n]);
  // ZF when it was exchanged; CF of the comparison, and when the bit was set.
  expect(after.slice(3).map((one) => (one?.rflags ?? 0n) & 0x41n)).toEqual([0x40n, 1n, 1n, 0x40n]);
  const requests = (await deviceModel.trace()).map(({ isRead, address, size, data, answer }) =>
    isRead ? `r${size} ${address - base} ${answer}` : `w${size} ${address - base} ${data}`,
  );
  const taken = (before: number): string[] => [
    ...['r4 0 0', 'w4 0 1'],
    ...[`r4 8 ${before}`, `w4 8 ${before + 5}`],
    ...['r4 0 1', 'w4 0 0'],
  ];
  expect(requests).toEqual([
    ...taken(0),
    ...taken(5),
    ...taken(10),
    ...['r4 0 0', 'w4 0 1'],
    'r4 0 1',
    ...['r4 0 1', 'w4 0 1'],
    ...['r4 0 1', 'r4 8 15'],
    ...['r8 0 1', 'r8 8 15', 'w8 0 2', 'w8 8 3'],
    ...['r8 0 2', 'r8 8 3'],
  ]);
  await expect(seen).toMatchOracle();
});
