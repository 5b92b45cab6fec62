import { describe, expect, it } from 'vitest';
import { SCRATCH, WINDOW, windowAddress } from '../program/index.ts';
import { TestGuest } from '../testing/test-guest.ts';

const code = (...bytes: number[]): Uint8Array => Uint8Array.from(bytes);
const rawAddress = BigInt(windowAddress(0) + WINDOW.codeOffset);
const unmapped = 512n << 30n;
const PAGE_WRITE = 2;

describe('exceptions in the workload guest', () => {
  it('end the operation with a result, and the program goes on', { timeout: 60_000 }, async () => {
    await using guest = await TestGuest.start();
    const seen = await guest.run((program) =>
      program
        .load(unmapped, 4, { rax: 7 })
        .store(unmapped, 8, 1)
        .load(0x8000_0000_0000_0000n, 1)
        .raw(code(0x0f, 0x0b))
        .raw(code(0x90, 0xf7, 0xf1), { registers: { rax: 1, rcx: 0 } })
        .raw(code(0xcc))
        .raw(code(0xff, 0xe0), { registers: { rax: unmapped } })
        .sample({ warmup: 3, count: 10 }, (op) => op.load(unmapped, 4))
        .sample({ count: 10 }, (op) => op.store(unmapped, 4, 0))
        .load(SCRATCH.start, 8),
    );
    const names = '#PF #PF #GP #UD #DE #BP #PF #PF #PF'.split(' ');
    expect(seen.map(({ fault }) => fault?.name)).toEqual([...names, undefined]);
    expect(seen[0]?.fault).toMatchObject({ vector: 14, errorCode: 0, address: unmapped });
    expect(seen[0]?.rax).toBe(7n);
    expect(seen[1]?.fault).toMatchObject({ errorCode: PAGE_WRITE, address: unmapped });
    expect(seen[2]?.fault).toMatchObject({ vector: 13, errorCode: 0, address: 0n });
    expect(seen[3]?.fault?.rip).toBe(rawAddress);
    expect(seen[4]?.fault?.rip).toBe(rawAddress + 1n);
    expect(seen[6]?.fault).toMatchObject({ rip: unmapped, address: unmapped });
    expect(seen[7]?.samples).toHaveLength(0);
    expect(seen.every(({ cycles }) => cycles > 0 && cycles < 1e12)).toBe(true);
  });

  it('outside of an operation stop the guest with a message', { timeout: 60_000 }, async () => {
    await using guest = await TestGuest.start();
    /* MOV CR4 without OSFXSR: what the guest itself does with XMM registers then is undefined. */
    const program = guest.run((builder) =>
      builder
        .raw(code(0x0f, 0x20, 0xe0, 0x25, 0xff, 0xfd, 0xfb, 0xff, 0x0f, 0x22, 0xe0))
        .raw(code(0x90), { vectorBytes: 16 }),
    );
    await expect(program).rejects.toThrow(/exit 0/);
    expect(guest.machine.console).toMatch(/fatal: vCPU 0 exception 6 at 0x1[0-9a-f]{5}\n.*error code 0x0/);
  });

  it('that nobody can handle end the machine', { timeout: 60_000 }, async () => {
    await using guest = await TestGuest.start();
    const program = guest.run((builder) => builder.in(0x5558, 1).crash());
    await expect(program).rejects.toThrow(/exit 0/);
    expect(guest.machine.console).toBe('');
  });
});
