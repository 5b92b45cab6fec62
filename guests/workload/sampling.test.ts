import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MAX_SAMPLES, SCRATCH, type OperationResult } from '../program/index.ts';
import { TestGuest } from '../testing/test-guest.ts';

const ram = SCRATCH.start;
/* Exact time: one nanosecond, and so one TSC cycle, per instruction. */
const exact = ['-icount', 'shift=0,sleep=off'];

const distinct = (samples: Uint32Array | undefined): number[] => [...new Set(samples)];

describe('samples', () => {
  let guest: TestGuest;
  beforeAll(async () => {
    guest = await TestGuest.start({ arguments: exact });
  }, 60_000);
  afterAll(async () => {
    await guest[Symbol.asyncDispose]();
  });

  it('count the same instructions in every turn, whatever else the program holds', async () => {
    const sampled = { warmup: 20, count: 500 };
    const seen = await guest.run((program) =>
      program
        .sample(sampled, (op) => op.rdtsc())
        .sample(sampled, (op) => op.load(ram, 4))
        .fill(ram, 3, 1)
        .read(ram, 5)
        .sample(sampled, (op) => op.rdtsc())
        .sample(sampled, (op) => op.in(0x5558, 4)),
    );
    const [empty, load] = [distinct(seen[0]?.samples), distinct(seen[1]?.samples)];
    expect(seen[0]?.samples).toHaveLength(500);
    expect(empty).toHaveLength(1);
    expect(load).toEqual([(empty[0] ?? 0) + 1]);
    expect(distinct(seen[4]?.samples)).toEqual(empty);
    expect(distinct(seen[5]?.samples)).toEqual(load);
  });

  it('exist for every operation and size, and do what the operation does', async () => {
    const counts = { warmup: 1, count: 3 };
    const seen = await guest.run((program) => {
      for (const size of [1, 2, 4] as const)
        program.sample(counts, (op) => op.in(0x5558, size)).sample(counts, (op) => op.out(0x5558, size, 1));
      for (const size of [1, 2, 4, 8] as const)
        program.sample(counts, (op) => op.load(ram, size)).sample(counts, (op) => op.store(ram + 8n, size, 0x77));
      program.sample(counts, (op) => op.cpuid(0)).sample(counts, (op) => op.rdtsc());
      program
        .out(0x70, 1, 0x41)
        .sample(counts, (op) => op.out(0x71, 1, 0x33))
        .out(0x70, 1, 0x41);
      return program.in(0x71, 1).load(ram + 8n, 8);
    });
    expect(seen.slice(0, 16).map(({ samples }) => samples?.length)).toEqual(Array.from({ length: 16 }, () => 3));
    expect(seen.at(-2)?.value).toBe(0x33);
    expect(seen.at(-1)?.rax).toBe(0x77n);
  });

  it('tell when each of them began, and last as long as those that do not', async () => {
    const sampled = { warmup: 3, count: 200 };
    const [plain, seen] = await guest.run((program) =>
      program.sample(sampled, (op) => op.in(0x5558, 4)).sample({ ...sampled, stamps: true }, (op) => op.in(0x5558, 4)),
    );
    const starts = [...(seen?.starts ?? [])];
    expect(plain?.starts).toBeUndefined();
    expect([...(seen?.samples ?? [])]).toEqual([...(plain?.samples ?? [])]);
    expect(starts).toHaveLength(200);
    const steps = distinct(Uint32Array.from(starts.slice(1), (start, i) => start - (starts[i] ?? 0)));
    expect(steps).toHaveLength(1);
    expect(steps[0]).toBeGreaterThan(seen?.samples?.[0] ?? 0);
    expect(starts[0]).toBeGreaterThan(0);
    expect((starts.at(-1) ?? 0) - (starts[0] ?? 0)).toBeLessThan(seen?.cycles ?? 0);
  });

  it('are kept, every one of them, up to the size of the window', async () => {
    const [seen] = await guest.run((program) => program.sample({ count: MAX_SAMPLES }, (op) => op.rdtsc()));
    expect(MAX_SAMPLES).toBeGreaterThan(200_000);
    expect(seen?.samples).toHaveLength(MAX_SAMPLES);
    expect(distinct(seen?.samples)).toHaveLength(1);
  });
});

describe('a sample that lasts longer than 32 bits', () => {
  it('saturates', { timeout: 60_000 }, async () => {
    await using guest = await TestGuest.start();
    const descriptor = ram + 0x100n;
    const descriptorPort = Buffer.alloc(4);
    descriptorPort.writeUInt32BE(Number(descriptor));
    /* One OUT starts firmware configuration's DMA: read (2) that many bytes from no item to where no memory is. */
    const slowOut = async (length: number): Promise<OperationResult | undefined> => {
      const request = new DataView(new ArrayBuffer(16));
      request.setUint32(0, 2);
      request.setUint32(4, length);
      request.setBigUint64(8, 0x1_0000_0000n);
      const [, , seen] = await guest.run((program) =>
        program
          .write(descriptor, new Uint8Array(request.buffer))
          .out(0x514, 4, 0)
          .sample({ count: 1 }, (op) => op.out(0x518, 4, descriptorPort.readUInt32LE())),
      );
      return seen;
    };
    let length = 0x2000_0000;
    let seen = await slowOut(length);
    while ((seen?.cycles ?? 0) < 2 ** 32 + 1_000_000) {
      expect(seen?.samples?.[0]).toBeLessThanOrEqual(seen?.cycles ?? 0);
      seen = await slowOut((length *= 2));
    }
    expect([...(seen?.samples ?? [])]).toEqual([0xffff_ffff]);
  });
});
