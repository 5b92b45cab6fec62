import { describe, expect, it } from 'vitest';
import { MAX_VCPUS, ProgramBuilder } from '../program/index.ts';
import { TestGuest } from '../testing/test-guest.ts';

const GIB = 1n << 30n;

describe('what the guest makes of a processor', () => {
  it('AVX and 1 GiB pages: YMM registers, 512 GiB', { timeout: 60_000 }, async () => {
    await using guest = await TestGuest.start();
    expect(guest.boot).toMatchObject({ features: { avx: true, gibPages: true, xen: false }, mappedGib: 512 });
  });

  it('neither: XMM registers, 8 GiB, and it says so', { timeout: 60_000 }, async () => {
    await using guest = await TestGuest.start({ arguments: ['-cpu', 'qemu64'] });
    expect(guest.boot).toMatchObject({ features: { avx: false, gibPages: false, xen: false }, mappedGib: 8 });
    const seen = await guest.run((program) =>
      program
        .load(8n * GIB - 8n, 8)
        .load(8n * GIB, 8)
        .raw(Uint8Array.of(0x90), { vectorBytes: 16 }),
    );
    expect(seen.map(({ fault }) => fault?.name)).toEqual([undefined, '#PF', undefined]);
    const ymm = new ProgramBuilder().raw(Uint8Array.of(0x90), { vectorBytes: 32 }).build();
    await expect(guest.runAll(new Map([[0, ymm]]))).rejects.toThrow('unsupported at operation 0');
  });

  it('few address bits: no page beyond them', { timeout: 60_000 }, async () => {
    await using guest = await TestGuest.start({ arguments: ['-cpu', 'max,phys-bits=36'] });
    expect(guest.boot.mappedGib).toBe(64);
  });

  it('as many vCPUs as it has windows for', { timeout: 60_000 }, async () => {
    await using guest = await TestGuest.start({ vcpus: MAX_VCPUS });
    const program = new ProgramBuilder().in(0x5558, 1).build();
    const seen = await guest.runAll(new Map([[MAX_VCPUS - 1, program]]));
    expect([...seen.values()].map(({ results }) => results[0]?.value)).toEqual([0xff]);
  });
});
