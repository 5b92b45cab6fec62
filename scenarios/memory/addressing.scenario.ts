/**
 * # Background
 * The processor tells Xen the guest-physical address of an access, but Xen decodes the instruction all the same and computes
 * the address anew (x86_decode in xen/arch/x86/x86_emulate/decode.c): ModRM, SIB, displacements, absolute addresses.
 *
 * # Method
 * One load for each form of address, each of a byte that holds another value.
 *
 * # A broken Xen
 * would read another byte: a scale left out, a displacement without its sign, or R12 and R13 taken for RSP and RBP.
 */
import { expect, HOLE_BELOW_4G, ProgramBuilder, scenario } from 'ioreqlab/scenario';
import { code } from '../prefixes/machine-code.ts';

const base = HOLE_BELOW_4G.start + 0x4_0000n;

/** Code of MOVZX EAX, byte; registers relative to the device's page, plain ones; the offset in the page. */
const forms: readonly (readonly [
  string,
  Readonly<Record<string, bigint>>,
  Readonly<Record<string, bigint>>,
  bigint,
])[] = [
  ['0f b6 03', { rbx: 0x100n }, {}, 0x100n],
  ['0f b6 43 05', { rbx: 0x100n }, {}, 0x105n],
  ['0f b6 43 fb', { rbx: 0x200n }, {}, 0x1fbn],
  ['0f b6 83 00 03 00 00', { rbx: 1n }, {}, 0x301n],
  ['0f b6 83 00 fd ff ff', { rbx: 0x410n }, {}, 0x110n],
  // RBP and R13 have no form without a displacement, RSP and R12 none without SIB.
  ['0f b6 45 00', { rbp: 0x120n }, {}, 0x120n],
  ['41 0f b6 45 00', { r13: 0x121n }, {}, 0x121n],
  ['41 0f b6 04 24', { r12: 0x122n }, {}, 0x122n],
  ['0f b6 04 24', { rsp: 0x124n }, {}, 0x124n],
  ['0f b6 44 24 7f', { rsp: 0x128n }, {}, 0x1a7n],
  // Base and index; the scales.
  ['0f b6 04 0b', { rbx: 0x200n }, { rcx: 0x11n }, 0x211n],
  ['0f b6 04 4b', { rbx: 0x200n }, { rcx: 0x11n }, 0x222n],
  ['0f b6 04 8b', { rbx: 0x200n }, { rcx: 0x11n }, 0x244n],
  ['0f b6 04 cb', { rbx: 0x200n }, { rcx: 0x11n }, 0x288n],
  ['0f b6 04 cb', { rbx: 0x300n }, { rcx: -3n }, 0x2e8n],
  ['0f b6 44 8b 81', { rbx: 0x400n }, { rcx: 2n }, 0x389n],
  ['0f b6 84 4b 00 02 00 00', { rbx: 0x400n }, { rcx: 3n }, 0x606n],
  ['42 0f b6 04 23', { rbx: 0x500n }, { r12: 0x21n }, 0x521n],
  ['43 0f b6 04 3e', { r14: 0x500n }, { r15: 0x22n }, 0x522n],
  ['43 0f b6 44 65 01', { r13: 0x500n }, { r12: 0x30n }, 0x561n],
  // No base: an index alone, and an absolute address of 32 bits.
  ['0f b6 04 0d 00 00 04 10', {}, { rcx: 0x777n }, 0x777n],
  ['0f b6 04 25 34 08 04 10', {}, {}, 0x834n],
];

scenario('every form of address', async ({ guest, deviceModel }) => {
  await deviceModel.attach('ramWindow', { at: { window: Number(base) } });
  const program = new ProgramBuilder();
  const value = (i: number): number => 0x20 + i;
  forms.forEach(([, , , offset], i) => void program.store(base + offset, 1, value(i)));
  for (const [text, relative, plain] of forms) {
    const registers: Record<string, bigint> = {};
    for (const [name, offset] of Object.entries(relative)) registers[name] = base + offset;
    for (const [name, one] of Object.entries(plain)) registers[name] = BigInt.asUintN(64, one);
    program.raw(code(text), { registers });
  }
  // Absolute addresses of 64 bits, of AL and RAX.
  program
    .raw(code('48 a1 00 01 04 10 00 00 00 00'), { registers: { rax: 5n } })
    .raw(code('a0 22 02 04 10 00 00 00 00'), { registers: { rax: 0x500n } });
  const seen = await guest.run(program.build());
  const values = seen.results.slice(forms.length).map(({ registers }) => registers?.gpr.rax);
  // The byte at 0x222 has its place in the list, and 0x100 to 0x107 hold two of them.
  const second = forms.findIndex(([, , , offset]) => offset === 0x222n);
  expect(new Set(forms.map(([, , , offset]) => offset)).size).toBe(forms.length);
  expect(values).toEqual([
    ...forms.map((_, i) => BigInt(value(i))),
    BigInt(value(0)) | (BigInt(value(1)) << 40n),
    0x500n | BigInt(value(second)),
  ]);
  await expect(seen).toMatchOracle();
});
