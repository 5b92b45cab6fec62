/**
 * # Background
 * With RCX 0 the string instructions do nothing, with 1 and REP they are as without REP: no batch
 * (x86_emulate in xen/arch/x86/x86_emulate/x86_emulate.c asks for one from two repetitions on). Without a prefix RCX does not
 * count.
 *
 * # Method
 * MOVS, STOS, LODS, SCAS and CMPS on a device with RCX 0, 1 and 2: registers, requests, and what is in memory.
 *
 * # A broken Xen
 * would make a request for nothing, change flags or registers for nothing, or go round once more.
 */
import { expect, HOLE_BELOW_4G, ProgramBuilder, scenario, SCRATCH } from 'ioreqlab/scenario';
import { requestsOf } from '../string-io/requests-of.ts';

const device = HOLE_BELOW_4G.start + 0x1a_0000n;
const ram = SCRATCH.start + 0x8_0000n;

scenario('string instructions with counts of 0, 1 and 2', async ({ guest, deviceModel }) => {
  await deviceModel.attach('ramWindow', { at: { window: Number(device) }, options: { fill: 0x11 } });
  const program = new ProgramBuilder().fill(ram, 16, 0x22);
  for (const count of [0, 1, 2]) {
    const common = { size: 4, count } as const;
    program
      .repMovs({ ...common, source: ram, destination: device })
      .repMovs({ ...common, source: device + 8n, destination: ram + 8n })
      .repStos({ ...common, destination: device + 0x10n, value: 0x3333_3333 })
      .lods({ ...common, repeat: 'rep', source: device + 8n, rax: 7 })
      .scas({ ...common, repeat: 'rep', destination: device + 8n, value: 0x1111_1111 })
      .cmps({ ...common, repeat: 'rep', source: device + 8n, destination: device + 0x20n });
  }
  program.read(ram, 20);
  const seen = await guest.run(program.build());
  const steps = seen.results.slice(1, 19);
  const moved = (count: bigint, from: bigint) => from + 4n * count;
  for (let turn = 0; turn < 3; turn++) {
    const count = BigInt(turn);
    const [out, back, stos, lods, scas, cmps] = steps.slice(6 * turn, 6 * turn + 6);
    expect([out, back, stos, lods, scas, cmps].map((one) => one?.rcx)).toEqual([0n, 0n, 0n, 0n, 0n, 0n]);
    expect([out?.rsi, out?.rdi]).toEqual([moved(count, ram), moved(count, device)]);
    expect([back?.rsi, back?.rdi]).toEqual([moved(count, device + 8n), moved(count, ram + 8n)]);
    expect([stos?.rdi, lods?.rsi]).toEqual([moved(count, device + 0x10n), moved(count, device + 8n)]);
    expect([scas?.rdi, cmps?.rsi, cmps?.rdi]).toEqual([
      moved(count, device + 8n),
      moved(count, device + 8n),
      moved(count, device + 0x20n),
    ]);
    expect(lods?.rax).toBe(turn === 0 ? 7n : 0x1111_1111n);
    // Equal: ZF and PF; without an element no flag.
    expect([scas, cmps].map((one) => (one?.rflags ?? 0n) & 0x8d5n)).toEqual(turn === 0 ? [0n, 0n] : [0x44n, 0x44n]);
  }
  const bytes = seen.results.at(-1)?.bytes ?? new Uint8Array();
  const there = [...Array.from({ length: 8 }, () => 0x22), ...Array.from({ length: 8 }, () => 0x11)];
  expect([...bytes.subarray(0, 16)]).toEqual(there);
  expect(requestsOf(await deviceModel.trace())).toEqual([
    ...['w4', 'r4', 'w4', 'r4', 'r4', 'r4', 'r4'],
    ...['w4x2*', 'r4x2*', 'w4x2', 'r4', 'r4', 'r4', 'r4', 'r4', 'r4', 'r4', 'r4'],
  ]);
  await expect(seen).toMatchOracle();
});
