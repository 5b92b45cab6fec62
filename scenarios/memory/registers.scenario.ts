/**
 * # Background
 * Xen finds an instruction's register in its own copy of the guest's (decode_gpr in xen/arch/x86/x86_emulate/private.h):
 * sixteen of them, and AH, CH, DH and BH, which take the place of SPL to DIL where there is no REX prefix.
 *
 * # Method
 * Each register is stored to memory and loaded from it in each width, all the others holding values of their own; the
 * second bytes too.
 *
 * # A broken Xen
 * would take another register, or clear or keep the wrong part of it.
 */
import { expect, HOLE_BELOW_4G, ProgramBuilder, scenario } from 'ioreqlab/scenario';

const base = HOLE_BELOW_4G.start + 0x5_0000n;
const names = ['rax', 'rcx', 'rdx', 'rbx', 'rsp', 'rbp', 'rsi', 'rdi'] as const;
const more = ['r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15'] as const;
const all = [...names, ...more];

scenario('every register', async ({ guest, deviceModel }) => {
  await deviceModel.attach('ramWindow', { at: { window: Number(base) } });
  const values = Object.fromEntries(
    all.map((name, i) => [name, 0xa0b0_c0d0_e0f0_0001n + BigInt(i) * 0x0101_0101_0101_0101n]),
  );
  const program = new ProgramBuilder();
  const wanted: ((memory: bigint) => boolean)[] = [];
  const there = 0x1817_1615_1413_1211n;
  /** Number of the register, bytes; the address is in RBX, or in RDX when that is the one. */
  all.forEach((name, number) => {
    const address = name === 'rbx' ? 'rdx' : 'rbx';
    const registers = { ...values, [address]: base };
    const modrm = ((number & 7) << 3) | (address === 'rbx' ? 3 : 2);
    const high = number >= 8 ? 4 : 0;
    const own = values[name] ?? 0n;
    for (const size of [1, 2, 4, 8] as const) {
      const prefixes = [...(size === 2 ? [0x66] : []), 0x40 | high | (size === 8 ? 8 : 0)];
      program
        .store(base, 8, there)
        .raw(Uint8Array.from([...prefixes, size === 1 ? 0x88 : 0x89, modrm]), { registers })
        .load(base, 8)
        .store(base, 8, there)
        .raw(Uint8Array.from([...prefixes, size === 1 ? 0x8a : 0x8b, modrm]), { registers });
      const part = BigInt.asUintN(8 * size, own);
      const kept = (value: bigint): bigint => value - BigInt.asUintN(8 * size, value);
      wanted.push((memory) => memory === kept(there) + part);
      const low = BigInt.asUintN(8 * size, there);
      wanted.push((register) => register === (size >= 4 ? low : kept(own) + low));
    }
  });
  ['rax', 'rcx', 'rdx', 'rbx'].forEach((name, i) => {
    const number = 4 + i;
    const registers = { ...values, rsi: base };
    program
      .store(base, 8, there)
      .raw(Uint8Array.of(0x88, (number << 3) | 6), { registers })
      .load(base, 8)
      .store(base, 8, there)
      .raw(Uint8Array.of(0x8a, (number << 3) | 6), { registers });
    const own = values[name] ?? 0n;
    wanted.push((memory) => memory === there - 0x11n + ((own >> 8n) & 0xffn));
    wanted.push((register) => register === (own & ~0xff00n) + 0x1100n);
  });
  const seen = await guest.run(program.build());
  const loaded = [...all.flatMap((name) => [name, name, name, name]), 'rax', 'rcx', 'rdx', 'rbx'];
  const right = loaded.flatMap((name, i) => {
    const memory = seen.results[5 * i + 2]?.rax ?? 0n;
    const gpr: Readonly<Record<string, bigint>> = seen.results[5 * i + 4]?.registers?.gpr ?? {};
    return [wanted[2 * i]?.(memory), wanted[2 * i + 1]?.(gpr[name] ?? 0n)];
  });
  expect(right).toEqual(wanted.map(() => true));
  await expect(seen).toMatchOracle();
});
