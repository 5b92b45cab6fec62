/**
 * # Background
 * IN and OUT name their port in a byte of the instruction or in DX, and use AL, AX or EAX. Xen does not look at the
 * instruction: the processor tells it port, width and direction (svm_vmexit_handler and vmx_vmexit_handler call
 * handle_pio in xen/arch/x86/hvm/io.c).
 *
 * # Method
 * Machine code: all eight opcodes, with the prefix for two bytes, with REX.W, which does not widen them, with prefixes that
 * do not count, and with more in RDX than DX. The devices are at port 0x86 and above 0x5000.
 *
 * # A broken Xen
 * would take the port from the wrong place, take bits of RDX above DX, or the wrong width.
 */
import { expect, ProgramBuilder, scenario } from 'ioreqlab/scenario';
import { code } from '../prefixes/machine-code.ts';

const rax = 0xa1a2_a3a4_a5a6_a7a8n;
const rdx = 0xd1d2_d3d4_d5d6_5000n;

/** Code, its register before, and RAX afterwards. */
const reads: readonly (readonly [string, bigint])[] = [
  // By a byte, by DX.
  ['e4 86', 0xa1a2_a3a4_a5a6_a711n],
  ['66 e5 86', 0xa1a2_a3a4_a5a6_1111n],
  ['e5 86', 0x1111_1111n],
  ['ec', 0xa1a2_a3a4_a5a6_a722n],
  ['66 ed', 0xa1a2_a3a4_a5a6_2222n],
  ['ed', 0x2222_2222n],
  // REX.W, alone and after the prefix for two bytes; REPNE; a segment; 32-bit addresses.
  ['48 ed', 0x2222_2222n],
  ['66 48 ed', 0x2222_2222n],
  ['f2 ec', 0xa1a2_a3a4_a5a6_a722n],
  ['64 ed', 0x2222_2222n],
  ['67 66 ed', 0xa1a2_a3a4_a5a6_2222n],
];
/** And what the device at 0x86 or 0x5000 then holds, which held all ones. */
const writes: readonly (readonly [string, number, number])[] = [
  ['e6 86', 0x86, 0xffff_ffa8],
  ['66 e7 86', 0x86, 0xffff_a7a8],
  ['e7 86', 0x86, 0xa5a6_a7a8],
  ['ee', 0x5000, 0xffff_ffa8],
  ['66 ef', 0x5000, 0xffff_a7a8],
  ['ef', 0x5000, 0xa5a6_a7a8],
  ['48 ef', 0x5000, 0xa5a6_a7a8],
  ['f3 ee', 0x5000, 0xffff_ffa8],
];

scenario('IN and OUT by a byte and by DX', async ({ guest, deviceModel }) => {
  for (const [port, fill] of [
    [0x86, 0x11],
    [0x5000, 0x22],
  ] as const) {
    await deviceModel.attach('ramWindow', { at: { window: port }, options: { size: 4, space: 'port', fill } });
  }
  const program = new ProgramBuilder();
  for (const [text] of reads) program.raw(code(text), { registers: { rax, rdx } });
  for (const [text, port] of writes) {
    program.out(port, 4, 0xffff_ffff).raw(code(text), { registers: { rax, rdx } }).in(port, 4);
  }
  const seen = await guest.run(program.build());
  const after = seen.results.slice(0, reads.length).map(({ registers }) => registers?.gpr.rax);
  expect(after).toEqual(reads.map(([, wanted]) => wanted));
  const held = writes.map((_, i) => seen.results[reads.length + 3 * i + 2]?.value);
  expect(held).toEqual(writes.map(([, , wanted]) => wanted));
  await expect(seen).toMatchOracle();
});
