/**
 * # Background
 * The LOCK prefix means nothing for MMIO under Xen: a read-modify-write is a read and a write, with a pause between
 * (hvmemul_rmw and hvmemul_cmpxchg in xen/arch/x86/hvm/emulate.c). In RAM it is the processor's, as always. So vCPUs that
 * count in a register lose numbers, unless they have a lock in RAM.
 *
 * # Method
 * All vCPUs count by LOCK INC, in RAM and in a device's register at once: in RAM nothing may be lost; what the register
 * holds at the end is at least what one vCPU counts, at most what all do. Each LOCK INC must have made its two requests, the
 * write one above what the read gave.
 *
 * # A broken Xen
 * would lose counts in RAM, or write what it has not read.
 */
import { expect, HOLE_BELOW_4G, ProgramBuilder, scenario, SCRATCH } from 'ioreqlab/scenario';
import window from '../memory/window.device.ts';

const rounds = 20;
const page = HOLE_BELOW_4G.start + 0x9_0000n;
/** LOCK INC DWORD PTR [RDI] */
const lockIncrement = Uint8Array.of(0xf0, 0xff, 0x07);

scenario('LOCK on a register of a device', async ({ guest, deviceModel }) => {
  await deviceModel.attach(window, { at: { page: Number(page) } });
  const ram = SCRATCH.start + 0x100n;
  await guest.run((program) => program.fill(ram, 4, 0));
  const { vcpus } = guest;
  const programs = Array.from({ length: vcpus }, () => {
    const program = new ProgramBuilder().barrier();
    for (let round = 0; round < rounds; round++) {
      program.raw(lockIncrement, { registers: { rdi: ram } }).raw(lockIncrement, { registers: { rdi: page } });
    }
    return program.build();
  });
  const seen = await guest.runAll(programs);
  await expect(seen).toMatchOracle();
  const after = await guest.run((program) => program.read(ram, 4).load(page, 4));
  expect(Buffer.from(after.results[0]?.bytes ?? []).readUInt32LE()).toBe(vcpus * rounds);
  const counted = after.results[1]?.value ?? 0;
  expect(counted).toBeGreaterThanOrEqual(rounds);
  expect(counted).toBeLessThanOrEqual(vcpus * rounds);
  const records = (await deviceModel.trace()).slice(0, -1);
  expect(records).toHaveLength(2 * vcpus * rounds);
  for (let vcpu = 0; vcpu < vcpus; vcpu++) {
    const own = records.filter((record) => record.vcpu === vcpu);
    expect(own.map(({ isRead }) => isRead)).toEqual(own.map((_, i) => i % 2 === 0));
    for (let i = 0; i < own.length; i += 2) expect(own[i + 1]?.data).toBe((own[i]?.answer ?? 0n) + 1n);
  }
});
