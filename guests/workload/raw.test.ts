import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GPR_NAMES, SCRATCH } from '../program/index.ts';
import { TestGuest } from '../testing/test-guest.ts';

const code = (...bytes: number[]): Uint8Array => Uint8Array.from(bytes);
const ram = SCRATCH.start;
const CF = 1n;
const DF = 0x400n;

describe('raw operations of the workload guest', () => {
  let guest: TestGuest;
  beforeAll(async () => {
    guest = await TestGuest.start();
  }, 60_000);
  afterAll(async () => {
    await guest[Symbol.asyncDispose]();
  });

  it('start with the given registers and report all of them', async () => {
    const names = GPR_NAMES.filter((name) => name !== 'rsp' && name !== 'r15');
    const registers = Object.fromEntries(names.map((name, index) => [name, BigInt(index + 1) << 56n]));
    const [seen] = await guest.run((program) => program.raw(code(0x49, 0xff, 0xc7), { registers, rflags: CF | DF }));
    expect(seen?.registers?.gpr).toMatchObject({ ...registers, r15: 1n });
    expect(seen?.registers?.gpr.rsp).toBeGreaterThan(0x10_0000n);
    expect((seen?.registers?.rflags ?? 0n) & (CF | DF)).toBe(CF | DF);
    expect(seen?.registers?.vectors).toEqual([]);
  });

  it('execute locked instructions', async () => {
    /* lock xadd [rdi], rax; lock cmpxchg16b [rsi] */
    const seen = await guest.run((program) =>
      program
        .store(ram, 8, 40)
        .raw(code(0xf0, 0x48, 0x0f, 0xc1, 0x07), { registers: { rdi: ram, rax: 2 } })
        .load(ram, 8)
        .raw(code(0xf0, 0x48, 0x0f, 0xc7, 0x0e), { registers: { rsi: ram, rax: 42, rdx: 0, rbx: 5, rcx: 6 } })
        .load(ram, 8),
    );
    expect(seen[1]?.rax).toBe(40n);
    expect(seen[2]?.rax).toBe(42n);
    expect(seen[4]?.rax).toBe(5n);
  });

  it('carry vector registers of 16 and 32 bytes', async () => {
    const ymm = Uint8Array.from({ length: 32 }, (_, n) => n + 1);
    const xmm = ymm.slice(0, 16).reverse();
    const seen = await guest.run((program) =>
      program
        .raw(code(0xc5, 0xfe, 0x7f, 0x1f), { registers: { rdi: ram }, vectorBytes: 32, vectors: { 3: ymm } })
        .read(ram, 32)
        .raw(code(0x66, 0x44, 0x0f, 0x6f, 0x3e), { registers: { rsi: ram }, vectorBytes: 16, vectors: { 0: xmm } }),
    );
    expect(seen[1]?.bytes).toEqual(ymm);
    expect(seen[0]?.registers?.vectors[3]).toEqual(ymm);
    expect(seen[2]?.registers?.vectors[15]).toEqual(ymm.slice(0, 16));
    expect(seen[2]?.registers?.vectors[0]).toEqual(xmm);
  });

  it('may use a stack of their own and spoil segment registers', async () => {
    const stack = ram + 0x1000n;
    const seen = await guest.run((program) =>
      program
        .raw(code(0x50), { registers: { rsp: stack, rax: 0x1234 } })
        .load(stack - 8n, 8)
        /* push; then an invalid instruction on a stack outside of all memory: the exception has its own */
        .raw(code(0x0f, 0x0b), { registers: { rsp: 1n << 62n } })
        /* mov gs, ax with the data selector: GS's base is lost */
        .raw(code(0x8e, 0xe8), { registers: { rax: 0x10 } })
        .in(0x5558, 1),
    );
    expect(seen[0]?.registers?.gpr.rsp).toBe(stack - 8n);
    expect(seen[1]?.rax).toBe(0x1234n);
    expect(seen[2]?.fault?.name).toBe('#UD');
    expect(seen[2]?.registers?.gpr.rsp).toBe(1n << 62n);
    expect(seen[4]?.value).toBe(0xff);
  });
});
