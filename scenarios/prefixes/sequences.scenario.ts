/**
 * # Background
 * Xen keeps what it knows of an instruction until it is done: its bytes, its answers (mmio_cache, cleared in
 * _hvm_emulate_one of xen/arch/x86/hvm/emulate.c). Instructions that follow each other at once, without the guest doing
 * anything else, show what is left over from one to the next.
 *
 * # Method
 * Pieces of machine code of many accesses: the same load twice, a store and a load of the same place, ports between memory,
 * string instructions after single ones. The device counts its reads, so that an answer that was kept shows.
 *
 * # A broken Xen
 * would answer the second access with what the first has given, or begin anew at another instruction.
 */
import { expect, HOLE_BELOW_4G, ProgramBuilder, scenario, SCRATCH } from 'ioreqlab/scenario';
import { requestsOf } from '../string-io/requests-of.ts';
import stream from '../string-io/stream.device.ts';
import { code } from './machine-code.ts';

const base = HOLE_BELOW_4G.start + 0x53_0000n;
const [data, sum] = [0x5100, 0x5104];

scenario('accesses at once after each other', async ({ guest, deviceModel }) => {
  await deviceModel.attach(stream, { at: { data, sum } });
  await deviceModel.attach('ramWindow', { at: { window: Number(base) } });
  const registers = { rbx: base, rdx: BigInt(data), rsi: base, rdi: SCRATCH.start + 0xd_0000n, rcx: 4n };
  const program = new ProgramBuilder()
    // in al, dx; mov [rbx], al; in al, dx; mov [rbx + 1], al; in eax, dx; mov [rbx + 4], eax; mov r8, [rbx]; mov r9, [rbx]
    .raw(code('ec 88 03 ec 88 43 01 ed 89 43 04 4c 8b 03 4c 8b 0b'), { registers })
    // inc dword [rbx]; mov r8d, [rbx]; inc dword [rbx]; mov r9d, [rbx]; xchg [rbx], r8d; mov r10d, [rbx]
    .raw(code('ff 03 44 8b 03 ff 03 44 8b 0b 44 87 03 44 8b 13'), { registers })
    // rep insb; movsb; lodsb; in al, dx; stosb; cmp [rbx], al
    .raw(code('f3 6c a4 ac ec aa 38 03'), { registers })
    .read(SCRATCH.start + 0xd_0000n, 6)
    // movups xmm1, [rbx]; movups [rbx + 16], xmm1; mov r8, [rbx + 16]; mov r9, [rbx + 24]; movups xmm2, [rbx]
    .raw(code('0f 10 0b 0f 11 4b 10 4c 8b 43 10 4c 8b 4b 18 0f 10 13'), { registers, vectorBytes: 16 });
  const seen = await guest.run(program.build());
  const [first, second, third, read, last] = seen.results;
  const there = 0x0000_0003_0000_0201n;
  expect(first?.registers?.gpr).toMatchObject({ rax: 3n, r8: there, r9: there });
  expect(second?.registers?.gpr).toMatchObject({ r8: 0x203n, r9: 0x203n, r10: 0x202n });
  // Four values, a byte of the device, and the value after that.
  expect(read?.bytes).toEqual(Uint8Array.of(4, 5, 6, 7, 2, 8));
  expect(third?.registers?.gpr).toMatchObject({ rcx: 0n, rsi: base + 2n, rdi: registers.rdi + 6n });
  expect(last?.registers?.gpr).toMatchObject({ r8: 0x0000_0003_0000_0202n, r9: 0n });
  expect(last?.registers?.vectors[2]).toEqual(Uint8Array.of(2, 2, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
  expect(requestsOf(await deviceModel.trace())).toEqual([
    ...['r1', 'w1', 'r1', 'w1', 'r4', 'w4', 'r8', 'r8'],
    ...['r4', 'w4', 'r4', 'r4', 'w4', 'r4', 'r4', 'w4', 'r4'],
    ...['r1x4*', 'r1', 'r1', 'r1', 'r1'],
    ...['r8', 'r8', 'w8', 'w8', 'r8', 'r8', 'r8', 'r8'],
  ]);
  await expect(seen).toMatchOracle();
});
