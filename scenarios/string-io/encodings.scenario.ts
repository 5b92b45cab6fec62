/**
 * # Background
 * INS and OUTS have prefixes of their own: REPNE repeats as REP does, REX.W does not widen, the prefix for 32-bit addresses
 * makes them use ESI, EDI and ECX and clear the rest (register_address_adjust and put_loop_count in
 * xen/arch/x86/x86_emulate/x86_emulate.c), and OUTS, but not INS, takes another segment.
 *
 * # Method
 * Machine code, with more in the upper halves of RSI, RDI and RCX than 32-bit addresses use: the registers afterwards, the
 * bytes in memory, and what the device got.
 *
 * # A broken Xen
 * would take the upper halves for part of an address or a count, leave them, or repeat once only.
 */
import { expect, ProgramBuilder, scenario, SCRATCH } from 'ioreqlab/scenario';
import { code } from '../prefixes/machine-code.ts';
import stream, { mix } from './stream.device.ts';

const [data, sum] = [0x5100, 0x5104];
const ram = SCRATCH.start + 0x5_0000n;
const more = 0x7_0000_0000n;

scenario('prefixes of INS and OUTS', async ({ guest, deviceModel }) => {
  await deviceModel.attach(stream, { at: { data, sum } });
  const at = { rdx: BigInt(data), rsi: ram, rdi: ram, rcx: 3n };
  const narrow = { rdx: BigInt(data), rsi: ram + more, rdi: ram + more, rcx: 3n + more };
  const program = new ProgramBuilder()
    .fill(ram, 32, 0xee)
    .raw(code('f2 6c'), { registers: at })
    .raw(code('f3 48 6d'), { registers: { ...at, rdi: ram + 4n } })
    .raw(code('67 f3 66 6d'), { registers: { ...narrow, rdi: narrow.rdi + 16n } })
    .raw(code('67 6c'), { registers: { ...narrow, rdi: narrow.rdi + 22n } })
    .read(ram, 24)
    .raw(code('f2 6e'), { registers: at })
    .raw(code('f3 48 6f'), { registers: { ...at, rsi: ram + 4n } })
    .raw(code('67 f3 66 6f'), { registers: { ...narrow, rsi: narrow.rsi + 16n } })
    .raw(code('64 6e'), { registers: at })
    .raw(code('3e f3 6e'), { registers: at })
    .in(sum, 4)
    // Downwards.
    .raw(code('67 f3 6c'), { registers: { ...narrow, rdi: narrow.rdi + 2n }, rflags: 0x400 })
    .read(ram, 4);
  const seen = await guest.run(program.build());
  const registers = seen.results.flatMap(({ registers: after }) => (after === undefined ? [] : [after.gpr]));
  const wanted = [
    { rdi: ram + 3n, rcx: 0n },
    { rdi: ram + 16n, rcx: 0n },
    { rdi: ram + 22n, rcx: 0n },
    // Without a prefix that repeats RCX stays as it is.
    { rdi: ram + 23n, rcx: 3n + more },
    { rsi: ram + 3n, rcx: 0n },
    { rsi: ram + 16n, rcx: 0n },
    { rsi: ram + 22n, rcx: 0n },
    { rsi: ram + 1n, rcx: 3n },
    { rsi: ram + 3n, rcx: 0n },
    { rdi: ram - 1n, rcx: 0n },
  ];
  registers.forEach((gpr, i) => expect(gpr).toMatchObject(wanted[i] ?? {}));
  const bytes = [1, 2, 3, 0xee, 4, 0, 0, 0, 5, 0, 0, 0, 6, 0, 0, 0, 7, 0, 8, 0, 9, 0, 10, 0xee];
  const reads = seen.results.flatMap(({ bytes: one }) => (one === undefined ? [] : [[...one]]));
  expect(reads).toEqual([bytes, [13, 12, 11, 0xee]]);
  const written = [1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 1, 2, 3];
  expect(seen.results[11]?.value).toBe(written.reduce(mix, 0));
  await expect(seen).toMatchOracle();
});
