import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SCRATCH, type ProgramBuilder } from '../program/index.ts';
import { TestGuest } from '../testing/test-guest.ts';

const from = SCRATCH.start + 0x1000n;
const to = SCRATCH.start + 0x3000n;
const bytes = Uint8Array.from({ length: 64 }, (_, n) => n + 1);
/** Firmware configuration: selector 0 makes the data port deliver the letters QEMU, then zeros. */
const selectSignature = (program: ProgramBuilder): ProgramBuilder => program.out(0x510, 2, 0);
const FW_CFG_DATA = 0x511;
const ZF = 0x40n;

describe('string operations of the workload guest', () => {
  let guest: TestGuest;
  beforeAll(async () => {
    guest = await TestGuest.start();
  }, 60_000);
  afterAll(async () => {
    await guest[Symbol.asyncDispose]();
  });

  it('repeats INS upwards and downwards', async () => {
    const up = { port: FW_CFG_DATA, size: 1, destination: to, count: 4 } as const;
    const seen = await guest.run((program) =>
      selectSignature(selectSignature(program).fill(to, 8, 0).repIns(up).read(to, 5))
        .repIns({ ...up, destination: to + 7n, backward: true })
        .read(to + 4n, 4),
    );
    expect(Buffer.from(seen[3]?.bytes ?? []).toString('latin1')).toBe('QEMU\0');
    expect(Buffer.from(seen[6]?.bytes ?? []).toString('latin1')).toBe('UMEQ');
    expect(seen[2]).toMatchObject({ rcx: 0n, rdi: to + 4n });
    expect(seen[5]).toMatchObject({ rcx: 0n, rdi: to + 3n });
  });

  it('repeats OUTS upwards and downwards, seen on the console', async () => {
    const text = new TextEncoder().encode('abcd');
    const seen = await guest.run((program) =>
      program
        .write(from, text)
        .repOuts({ port: 0xe9, size: 1, source: from, count: 4 })
        .repOuts({ port: 0xe9, size: 1, source: from + 3n, count: 4, backward: true })
        .outs({ port: 0xe9, size: 1, source: from + 1n, count: 9 }),
    );
    expect(guest.machine.console.endsWith('abcddcbab')).toBe(true);
    expect(seen[1]).toMatchObject({ rcx: 0n, rsi: from + 4n });
    expect(seen[2]).toMatchObject({ rcx: 0n, rsi: from - 1n });
    expect(seen[3]).toMatchObject({ rcx: 9n, rsi: from + 2n });
  });

  for (const size of [1, 2, 4, 8] as const) {
    it(`moves and stores ${size}-byte elements both ways`, async () => {
      const span = BigInt(size * 3);
      const value = BigInt.asUintN(size * 8, 0x8877_6655_4433_2211n);
      const seen = await guest.run((program) =>
        program
          .write(from, bytes)
          .fill(to, 64, 0)
          .repMovs({ size, source: from, destination: to, count: 4 })
          .read(to, 4 * size)
          .repMovs({ size, source: from + span, destination: to + span + 1n, count: 4, backward: true })
          .read(to + 1n, 4 * size)
          .repStos({ size, destination: to + span, value, count: 2, backward: true })
          .read(to + BigInt(size * 2), 2 * size)
          .repStos({ size, destination: to, value, count: 0 }),
      );
      expect(seen[3]?.bytes).toEqual(bytes.slice(0, 4 * size));
      expect(seen[2]).toMatchObject({ rcx: 0n, rsi: from + span + BigInt(size), rdi: to + span + BigInt(size) });
      expect(seen[5]?.bytes).toEqual(bytes.slice(0, 4 * size));
      expect(seen[4]).toMatchObject({ rcx: 0n, rsi: from - BigInt(size) });
      const element = Array.from({ length: size }, (_, n) => 0x11 * (n + 1));
      expect([...(seen[7]?.bytes ?? [])]).toEqual([...element, ...element]);
      expect(seen[8]).toMatchObject({ rcx: 0n, rdi: to });
    });
  }

  it('loads, scans and compares strings', async () => {
    const seen = await guest.run((program) =>
      program
        .write(from, bytes)
        .write(to, bytes)
        .store(to + 10n, 1, 0xff)
        .lods({ size: 2, source: from, rax: 0xffff_ffffn })
        .scas({ size: 1, destination: from, value: 9, count: 64, repeat: 'repne' })
        .cmps({ size: 1, source: from, destination: to, count: 64, repeat: 'rep' })
        .scas({ size: 4, destination: from, value: 0x0403_0201 }),
    );
    expect(seen[3]).toMatchObject({ rax: 0xffff_0201n, rsi: from + 2n });
    expect(seen[4]).toMatchObject({ rdi: from + 9n, rcx: 55n });
    expect((seen[4]?.rflags ?? 0n) & ZF).toBe(ZF);
    expect(seen[5]).toMatchObject({ rsi: from + 11n, rdi: to + 11n, rcx: 53n });
    expect((seen[5]?.rflags ?? 0n) & ZF).toBe(0n);
    expect((seen[6]?.rflags ?? 0n) & ZF).toBe(ZF);
  });

  it('reports how far a repeated operation came before a fault', async () => {
    const end = 512n << 30n;
    const seen = await guest.run((program) =>
      program.repMovs({ size: 8, source: end - 16n, destination: to, count: 5 }).load(to, 8),
    );
    expect(seen[0]).toMatchObject({ rcx: 3n, rsi: end, rdi: to + 16n });
    expect(seen[0]?.fault).toMatchObject({ name: '#PF', errorCode: 0, address: end });
    expect(seen[1]?.fault).toBeUndefined();
  });
});
