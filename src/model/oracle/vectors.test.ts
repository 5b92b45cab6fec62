import { describe, expect, it } from 'vitest';
import { makeCpu, type Cpu } from './cpu.ts';
import { execute } from './execute.ts';
import type { Instruction } from './instruction.ts';
import { rulesOf } from './rules.ts';
import { PlainWorld } from './testing/plain-world.ts';

/** Frames from 0x100 on are the device's. */
const device = 0x100000n;
const counting = (first: number, length = 16): Uint8Array => Uint8Array.from({ length }, (_, i) => first + i);

function run(instruction: Instruction, cpu: Cpu) {
  const world = new PlainWorld((frame) => frame < 0x100n);
  world.set(device, counting(0x10, 32));
  const outcome = execute(instruction, cpu, world, rulesOf('4.20'));
  return { outcome, world, requests: world.brief.map(({ isRead = false, size }) => [isRead, size]) };
}

function cpuWith(...vectors: readonly Uint8Array[]): Cpu {
  const cpu = makeCpu();
  vectors.forEach((vector, i) => cpu.vectors[i]?.set(vector));
  return cpu;
}

describe('a part of a vector register', () => {
  it('is loaded, and the rest stays', () => {
    const cpu = cpuWith(counting(0xa0, 32));
    const { requests } = run({ kind: 'loadVector', size: 2, address: device + 1n, vector: 0, at: 6 }, cpu);
    expect(requests).toEqual([[true, 2]]);
    expect(cpu.vectors[0]).toEqual(Uint8Array.from([...counting(0xa0, 6), 0x11, 0x12, ...counting(0xa8, 24)]));
  });

  it('is stored', () => {
    const { world, requests } = run(
      { kind: 'storeVector', size: 8, address: device, vector: 0, at: 8 },
      cpuWith(counting(0xa0)),
    );
    expect(requests).toEqual([[false, 8]]);
    expect(world.bytes(device, 9)).toEqual(Uint8Array.from([...counting(0xa8, 8), 0x18]));
  });
});

describe('arithmetic with a vector in memory', () => {
  it('is by elements', () => {
    const results = (['paddb', 'paddq', 'pandn', 'pxor'] as const).map((operation) => {
      const cpu = cpuWith(new Uint8Array(16).fill(0xff));
      expect(
        run({ kind: 'combineVector', size: 16, operation, address: device, vector: 0 }, cpu).requests,
      ).toHaveLength(2);
      return [...(cpu.vectors[0]?.subarray(0, 3) ?? [])];
    });
    expect(results).toEqual([
      [0x0f, 0x10, 0x11],
      // One less than what is there, borrowing nothing.
      [0x0f, 0x11, 0x12],
      [0, 0, 0],
      [0xef, 0xee, 0xed],
    ]);
  });

  it('wants it aligned', () => {
    const { outcome, requests } = run(
      { kind: 'combineVector', size: 16, operation: 'por', address: device + 8n, vector: 0 },
      cpuWith(),
    );
    expect([outcome, requests]).toEqual([{ kind: 'fault', vector: 13, errorCode: 0 }, []]);
  });
});

describe('MASKMOVDQU', () => {
  it('reads and writes all sixteen bytes', () => {
    const mask = new Uint8Array(16);
    mask[3] = 0x80;
    mask[4] = 0x7f;
    const cpu = cpuWith(counting(0xc0), mask);
    const { world, requests } = run({ kind: 'maskedStore', size: 16, address: device, vector: 0, mask: 1 }, cpu);
    expect(requests).toEqual([
      [true, 8],
      [true, 8],
      [false, 8],
      [false, 8],
    ]);
    expect(world.bytes(device, 16)).toEqual(Uint8Array.from([0x10, 0x11, 0x12, 0xc3, ...counting(0x14, 12)]));
  });

  it('with an empty mask does nothing', () => {
    expect(run({ kind: 'maskedStore', size: 16, address: device, vector: 0, mask: 1 }, cpuWith()).requests).toEqual([]);
  });
});
