/**
 * # Background
 * With 32-bit addresses (the prefix 0x67) the string instructions use ESI, EDI and ECX; what they write back clears the
 * upper halves (register_address_adjust and put_loop_count in xen/arch/x86/x86_emulate/x86_emulate.c).
 *
 * # Method
 * Machine code: MOVS, STOS, LODS, SCAS and CMPS, alone and repeated, up and down, with the upper halves of their registers
 * full of what must not count.
 *
 * # A broken Xen
 * would count or address by the whole register, or leave its upper half.
 */
import { expect, HOLE_BELOW_4G, ProgramBuilder, scenario, SCRATCH } from 'ioreqlab/scenario';
import { code } from '../prefixes/machine-code.ts';

const device = HOLE_BELOW_4G.start + 0x1b_0000n;
const ram = SCRATCH.start + 0x9_0000n;
const more = 0x5_0000_0000n;

scenario('string instructions with 32-bit addresses', async ({ guest, deviceModel }) => {
  await deviceModel.attach('ramWindow', { at: { window: Number(device) } });
  const at = { rsi: ram + more, rdi: device + more, rcx: 3n + more };
  const back = { rsi: device + more, rdi: ram + 0x100n + more, rcx: 3n + more };
  const same = { rsi: device + more, rdi: device + more, rcx: 3n + more };
  /** Code, registers, flags; registers afterwards. */
  const cases = [
    ['67 f3 a5', at, 0, { rsi: ram + 12n, rdi: device + 12n, rcx: 0n }],
    ['67 f3 66 a5', back, 0, { rsi: device + 6n, rdi: ram + 0x106n, rcx: 0n }],
    ['67 a4', same, 0x400, { rsi: device - 1n, rdi: device - 1n, rcx: 3n + more }],
    [
      '67 f3 48 ab',
      { ...at, rax: 0x7172_7374_7576_7778n, rdi: at.rdi + 0x48n },
      0x400,
      { rdi: device + 0x30n, rcx: 0n },
    ],
    ['67 f3 ad', { ...back, rax: -1n & 0xffff_ffff_ffff_ffffn }, 0, { rsi: device + 12n, rcx: 0n, rax: 0x1c1b_1a19n }],
    ['67 f2 ae', { ...same, rax: 0x12n, rcx: 9n + more }, 0, { rdi: device + 2n, rcx: 7n }],
    ['67 f3 a6', { ...same, rdi: at.rdi + 1n }, 0, { rsi: device + 1n, rdi: device + 2n, rcx: 2n }],
  ] as const;
  const program = new ProgramBuilder().write(
    ram,
    Uint8Array.from({ length: 16 }, (_, i) => 0x11 + i),
  );
  for (const [text, registers, rflags] of cases) program.raw(code(text), { registers, rflags });
  program
    .read(ram + 0x100n, 6)
    .load(device + 0x40n, 8)
    .load(device + 8n, 4);
  const seen = await guest.run(program.build());
  cases.forEach(([, , , wanted], i) => {
    expect(seen.results[1 + i]?.registers?.gpr).toMatchObject(wanted);
  });
  const [bytes, stored, copied] = seen.results.slice(1 + cases.length);
  expect(bytes?.bytes).toEqual(Uint8Array.of(0x11, 0x12, 0x13, 0x14, 0x15, 0x16));
  expect([stored?.rax, copied?.rax]).toEqual([0x7172_7374_7576_7778n, 0x1c1b_1a19n]);
  expect((await deviceModel.trace()).every(({ address }) => address < 0x1_0000_0000n)).toBe(true);
  await expect(seen).toMatchOracle();
});
