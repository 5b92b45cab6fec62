/**
 * # Background
 * XCHG locks by itself; on a device neither that nor LOCK makes it one transaction: it is a read and a write, and the old
 * value goes to the register (rmw_xchg and rmw_xadd in xen/arch/x86/x86_emulate/x86_emulate.c).
 *
 * # Method
 * XCHG and XADD of each width with and without LOCK, with AH to BH, with the same value on both sides; the register, the
 * memory and the requests.
 *
 * # A broken Xen
 * would lose one of the two values, or clear what is above it in the register.
 */
import { expect, HOLE_BELOW_4G, ProgramBuilder, scenario } from 'ioreqlab/scenario';
import { code, onRbx, widths } from '../prefixes/machine-code.ts';
import { requestsOf } from '../string-io/requests-of.ts';

const base = HOLE_BELOW_4G.start + 0x33_0000n;
const there = 0xc8c7_c6c5_c4c3_c2c1n;
const rsi = 0x2827_2625_2423_2221n;

scenario('XCHG and XADD', async ({ guest, deviceModel }) => {
  await deviceModel.attach('ramWindow', { at: { window: Number(base) } });
  const program = new ProgramBuilder();
  const wanted: unknown[] = [];
  const requests: string[] = [];
  for (const width of widths) {
    const cut = (value: bigint): bigint => BigInt.asUintN(8 * width, value);
    const kept = (value: bigint): bigint => value - cut(value);
    for (const opcode of [[0x86], [0x0f, 0xc0]]) {
      for (const isLocked of [false, true]) {
        program
          .store(base, 8, there)
          .raw(onRbx(width, opcode, 6, { isLocked }), { registers: { rbx: base, rsi } })
          .load(base, 8);
        requests.push('w8', `r${width}`, `w${width}`, 'r8');
        const register = width >= 4 ? cut(there) : kept(rsi) + cut(there);
        const stored = opcode.length === 1 ? cut(rsi) : cut(there + rsi);
        wanted.push([register, kept(there) + stored]);
      }
    }
  }
  // XCHG and XADD with DH; a value for itself.
  program
    .store(base, 8, there)
    .raw(code('86 33'), { registers: { rbx: base, rdx: 0x5678n } })
    .load(base, 8)
    .store(base, 8, there)
    .raw(code('f0 0f c0 33'), { registers: { rbx: base, rdx: 0x5678n } })
    .load(base, 8)
    .store(base, 8, there)
    .raw(code('48 87 33'), { registers: { rbx: base, rsi: there } })
    .load(base, 8);
  requests.push('w8', 'r1', 'w1', 'r8', 'w8', 'r1', 'w1', 'r8', 'w8', 'r8', 'w8', 'r8');
  const seen = await guest.run(program.build());
  const results = seen.results.flatMap(({ registers }, i) =>
    registers === undefined ? [] : [[registers.gpr.rsi, seen.results[i + 1]?.rax, registers.gpr.rdx] as const],
  );
  expect(results.slice(0, wanted.length).map(([register, memory]) => [register, memory])).toEqual(wanted);
  expect(results.slice(wanted.length).map(([, memory, rdx]) => [rdx, memory])).toEqual([
    [0xc178n, there - 0xc1n + 0x56n],
    [0xc178n, there - 0xc1n + 0x17n],
    [0n, there],
  ]);
  expect(requestsOf(await deviceModel.trace())).toEqual(requests);
  await expect(seen).toMatchOracle();
});
