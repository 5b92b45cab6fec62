import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SCRATCH } from '../program/index.ts';
import { TestGuest } from '../testing/test-guest.ts';

const ram = SCRATCH.start;
/** PCI's address register: 32 bits that QEMU keeps as written. */
const PCI_ADDRESS = 0xcf8;
/** Its data port: through it, device 0's vendor and device, 0x8086 and 0x29c0. */
const PCI_DATA = 0xcfc;
/** The high-precision timer: its capabilities are 8 bytes of memory with a known value. */
const HPET = 0xfed0_0000;
const HPET_CAPABILITIES = 0x0098_9680_8086_a201n;

describe('accesses of the workload guest', () => {
  let guest: TestGuest;
  beforeAll(async () => {
    guest = await TestGuest.start();
  }, 60_000);
  afterAll(async () => {
    await guest[Symbol.asyncDispose]();
  });

  it('reads ports of each width and leaves the rest of RAX as the processor does', async () => {
    const rax = 0x1122_3344_5566_7788n;
    const seen = await guest.run((program) =>
      program
        .out(PCI_ADDRESS, 4, 0x8000_0000)
        .in(PCI_DATA, 1, { rax })
        .in(PCI_DATA, 2, { rax })
        .in(PCI_DATA, 4, { rax })
        .in(PCI_DATA + 2, 2),
    );
    expect(seen.map(({ value }) => value)).toEqual([0x8000_0000, 0x86, 0x8086, 0x29c0_8086, 0x29c0]);
    expect(seen[1]?.rax).toBe(0x1122_3344_5566_7786n);
    expect(seen[2]?.rax).toBe(0x1122_3344_5566_8086n);
    expect(seen[3]?.rax).toBe(0x29c0_8086n);
    expect(seen.every(({ fault, cycles }) => fault === undefined && cycles > 0)).toBe(true);
  });

  it('writes ports', async () => {
    const seen = await guest.run((program) =>
      program
        .out(0x70, 1, 0x40)
        .out(0x71, 1, 0x5a)
        .out(0x70, 1, 0x40)
        .in(0x71, 1)
        .out(PCI_ADDRESS, 4, 0)
        .in(PCI_ADDRESS, 4),
    );
    expect(seen[3]?.value).toBe(0x5a);
    expect(seen[5]?.value).toBe(0);
  });

  it('reads all ones from a port that nobody has', async () => {
    const seen = await guest.run((program) => program.in(0x5558, 1).in(0x5558, 2).in(0x5558, 4));
    expect(seen.map(({ value }) => value)).toEqual([0xff, 0xffff, 0xffff_ffff]);
  });

  it('loads and stores memory of each width', async () => {
    const rax = 0xffff_ffff_ffff_ffffn;
    const seen = await guest.run((program) =>
      program
        .store(ram, 8, 0x8877_6655_4433_2211n)
        .load(ram, 1, { rax })
        .load(ram, 2, { rax })
        .load(ram, 4, { rax })
        .load(ram, 8, { rax })
        .store(ram + 1n, 1, 0xaa, { rax: 0x1_0000n })
        .store(ram + 2n, 2, 0xbbbb)
        .store(ram + 4n, 4, 0xcccc_cccc)
        .load(ram, 8),
    );
    expect(seen[1]?.rax).toBe(0xffff_ffff_ffff_ff11n);
    expect(seen[2]?.rax).toBe(0xffff_ffff_ffff_2211n);
    expect(seen[3]?.rax).toBe(0x4433_2211n);
    expect(seen[4]?.rax).toBe(0x8877_6655_4433_2211n);
    expect(seen[4]?.value).toBe(0x4433_2211);
    expect(seen[8]?.rax).toBe(0xcccc_cccc_bbbb_aa11n);
  });

  it('reaches devices in memory, and memory above 4 GiB', async () => {
    const seen = await guest.run((program) =>
      program
        .load(HPET, 8)
        .load(HPET, 4)
        .load(HPET + 4, 4)
        .load(0x1_0000_0000n, 4)
        .load(0x40_0000_0000n, 4),
    );
    expect(seen[0]?.rax).toBe(HPET_CAPABILITIES);
    expect(seen[1]?.value).toBe(Number(HPET_CAPABILITIES & 0xffff_ffffn));
    expect(seen[2]?.value).toBe(Number(HPET_CAPABILITIES >> 32n));
    expect(seen.every(({ fault }) => fault === undefined)).toBe(true);
  });

  it('fills, writes and reads scratch memory', async () => {
    const bytes = Uint8Array.from({ length: 300 }, (_, n) => n);
    const seen = await guest.run((program) =>
      program
        .fill(ram, 400, 0x77)
        .write(ram + 50n, bytes)
        .read(ram, 400)
        .read(SCRATCH.end - 1n, 1)
        .read(ram, 0),
    );
    const expected = new Uint8Array(400).fill(0x77);
    expected.set(bytes, 50);
    expect(seen[2]?.bytes).toEqual(expected);
    expect(seen[4]?.bytes).toEqual(new Uint8Array());
  });

  it('executes CPUID and RDTSC', async () => {
    const seen = await guest.run((program) => program.cpuid(0).cpuid(0x8000_0000).cpuid(7, 0).rdtsc().rdtsc());
    const [vendor] = seen;
    const text = [vendor?.rbx, vendor?.rdx, vendor?.rcx].map((register) =>
      Buffer.from(Uint32Array.of(Number(register)).buffer).toString('latin1'),
    );
    expect(text.join('')).toMatch(/^(AuthenticAMD|GenuineIntel)$/);
    expect(seen[1]?.value).toBeGreaterThanOrEqual(0x8000_0008);
    const tsc = seen.slice(3).map(({ rax, rdx }) => (rdx << 32n) | rax);
    expect(tsc[1]).toBeGreaterThan(tsc[0] ?? 0n);
  });

  it('runs an empty program, and one that fills the window', async () => {
    expect(await guest.run((program) => program)).toEqual([]);
    const many = await guest.run((program) => {
      for (let n = 0; n < 3800; n++) program.store(ram + BigInt(n * 8), 8, n);
      return program.load(ram + 3799n * 8n, 8);
    });
    expect(many).toHaveLength(3801);
    expect(many.at(-1)?.rax).toBe(3799n);
  });
});
