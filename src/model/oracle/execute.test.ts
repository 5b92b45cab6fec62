import { describe, expect, it } from 'vitest';
import { flag, makeCpu, type Cpu } from './cpu.ts';
import { execute } from './execute.ts';
import type { Instruction, Outcome } from './instruction.ts';
import { rulesOf, type OracleVersion } from './rules.ts';
import { PlainWorld, type Brief } from './testing/plain-world.ts';
import type { Answer, IoRequest } from './world.ts';

/** Frames from 0x100 on are the device's. */
const device = 0x100000n;

interface Options {
  readonly there?: Uint8Array;
  readonly instead?: (request: IoRequest) => Answer | undefined;
  readonly version?: OracleVersion;
}

function run(
  instruction: Instruction,
  cpu: Cpu = makeCpu(),
  { there, instead, version = '4.20' }: Options = {},
): { outcome: Outcome; brief: Brief[]; cpu: Cpu; world: PlainWorld } {
  const world = new PlainWorld((frame) => frame < 0x100n, instead);
  if (there !== undefined && 'address' in instruction) world.set(instruction.address, there);
  const outcome = execute(instruction, cpu, world, rulesOf(version));
  return { outcome, brief: world.brief, cpu, world };
}

const read = (size: number, address: bigint): Brief => ({ isRead: true, size, count: 1, address });
const write = (size: number, address: bigint, data: bigint): Brief => ({
  ...{ size, count: 1, address },
  ...(data === 0n ? {} : { data }),
});
const eight = Uint8Array.of(0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88);

describe('IN and OUT (handle_pio)', () => {
  it('move the bytes of their width', () => {
    const cpu = makeCpu({ rax: 0xffff_ffff_ffff_ffffn });
    const { brief } = run({ kind: 'out', size: 2, port: 0x5000 }, cpu);
    expect(brief).toEqual([{ pio: true, size: 2, count: 1, address: 0x5000n, data: 0xffffn }]);
    const answer = (): Answer => ({ data: 0x1122_3344_5566_7788n, count: 1, isFromServer: true });
    const instead = { instead: answer };
    const rax = 0xa5a5_a5a5_a5a5_a5a5n;
    const inOf = (size: 1 | 2 | 4): bigint => run({ kind: 'in', size, port: 1 }, makeCpu({ rax }), instead).cpu.gpr.rax;
    expect([inOf(1), inOf(2), inOf(4)]).toEqual([0xa5a5_a5a5_a5a5_a588n, 0xa5a5_a5a5_a5a5_7788n, 0x5566_7788n]);
  });

  it('crash the domain when the device model has spoilt its slot', () => {
    const { outcome } = run({ kind: 'in', size: 1, port: 0x5000 }, makeCpu(), { instead: () => 'unhandled' });
    expect(outcome.kind).toBe('crash');
  });
});

describe('a read-modify-write (hvmemul_rmw)', () => {
  it('is a read and a write, also of what does not change', () => {
    const cpu = makeCpu({ rsi: 0x0101n });
    const { brief, cpu: after } = run(
      { kind: 'modify', operation: 'add', size: 2, address: device, operand: { register: 'rsi' } },
      cpu,
      { there: eight },
    );
    expect(brief).toEqual([read(2, device), write(2, device, 0x2312n)]);
    expect(after.rflags & flag.zero).toBe(0n);
    const or = run({ kind: 'modify', operation: 'or', size: 1, address: device, operand: { immediate: 0n } }, cpu, {
      there: eight,
    });
    expect(or.brief).toEqual([read(1, device), write(1, device, 0x11n)]);
  });

  it('XCHG and XADD give the old value to their register', () => {
    for (const [operation, value] of [
      ['xchg', 5n],
      ['xadd', 0x4433_2216n],
    ] as const) {
      const instruction: Instruction = {
        kind: 'modify',
        operation,
        size: 4,
        address: device,
        operand: { register: 'r9' },
      };
      const { brief, cpu } = run(instruction, makeCpu({ r9: 0xffff_ffff_0000_0005n }), { there: eight });
      expect(brief).toEqual([read(4, device), write(4, device, value)]);
      expect(cpu.gpr.r9).toBe(0x4433_2211n);
    }
  });

  it('of RAM makes no request', () => {
    const { brief, world } = run({ kind: 'modify', operation: 'inc', size: 8, address: 0x1ffcn }, makeCpu(), {
      there: eight,
    });
    expect(brief).toEqual([]);
    expect(world.bytes(0x1ffcn, 1)).toEqual(Uint8Array.of(0x12));
  });

  it('across two pages of MMIO needs four entries of the cache: before 4.20 it is made again for ever', () => {
    const address = device + 0xffen;
    const add: Instruction = { kind: 'modify', operation: 'add', size: 4, address, operand: { immediate: 1n } };
    const whole = run(add, makeCpu(), { there: eight });
    expect(whole.outcome.kind).toBe('done');
    expect(whole.brief).toEqual([
      ...[read(2, address), read(2, address + 2n)],
      ...[write(2, address, 0x2212n), write(2, address + 2n, 0x4433n)],
    ]);
    for (const version of ['4.14', '4.17', '4.19.1']) {
      const part = run(add, makeCpu(), { there: eight, version });
      expect([part.outcome.kind, part.brief]).toEqual(['livelock', whole.brief.slice(0, 3)]);
    }
    expect(run(add, makeCpu(), { version: '4.19.2' }).outcome.kind).toBe('done');
    // Nobody's: Xen answers at once, and the guest has just exited.
    const nobody = { version: '4.17', instead: (): Answer => ({ data: 0n, count: 1, isFromServer: false }) };
    expect(run(add, makeCpu(), nobody).outcome).toEqual({ kind: 'fault', vector: 13, errorCode: 0 });
  });
});

describe('bit strings (DstBitBase in x86_emulate.c)', () => {
  const bts = (offset: Instruction & { kind: 'modify' }): Brief[] =>
    run(offset, makeCpu({ rsi: 100n, rdi: 2n ** 64n - 1n })).brief;
  const of = (operand: { register: 'rsi' | 'rdi' } | { immediate: bigint }): Instruction & { kind: 'modify' } => ({
    ...{ kind: 'modify', operation: 'bts', size: 4 },
    ...{ address: device + 0x100n, operand },
  });

  it('reach the word that a register says', () => {
    expect(bts(of({ register: 'rsi' }))).toEqual([read(4, device + 0x10cn), write(4, device + 0x10cn, 0x10n)]);
    expect(bts(of({ register: 'rdi' }))).toEqual([read(4, device + 0xfcn), write(4, device + 0xfcn, 0x8000_0000n)]);
  });

  it('reach it also by an immediate on MMIO, which a processor takes modulo the width, as it does on RAM', () => {
    expect(bts(of({ immediate: 70n }))).toEqual([read(4, device + 0x108n), write(4, device + 0x108n, 0x40n)]);
    expect(bts(of({ immediate: -1n }))).toEqual([read(4, device + 0xfcn), write(4, device + 0xfcn, 0x8000_0000n)]);
    const { world } = run({ ...of({ immediate: 70n }), address: 0x2000n });
    expect(world.bytes(0x2000n, 12)).toEqual(Uint8Array.of(0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
  });
});

describe('CMPXCHG (hvmemul_cmpxchg)', () => {
  const instruction: Instruction = { kind: 'compareExchange', size: 4, address: device, source: 'rsi' };

  it('writes only when it exchanges', () => {
    const same = run(instruction, makeCpu({ rax: 0xffff_ffff_4433_2211n, rsi: 7n }), { there: eight });
    expect(same.brief).toEqual([read(4, device), write(4, device, 7n)]);
    expect([same.cpu.gpr.rax, same.cpu.rflags & flag.zero]).toEqual([0xffff_ffff_4433_2211n, flag.zero]);
    const other = run(instruction, makeCpu({ rax: 0xffff_ffff_0000_0001n, rsi: 7n }), { there: eight });
    expect(other.brief).toEqual([read(4, device)]);
    expect([other.cpu.gpr.rax, other.cpu.rflags & flag.zero]).toEqual([0x4433_2211n, 0n]);
  });

  it('that begins in RAM and ends in MMIO writes all of it as MMIO: what is RAM stays as it was', () => {
    const address = device - 2n;
    const { brief, world } = run({ ...instruction, address }, makeCpu({ rax: 0x4433_2211n, rsi: 0xddccbbaan }), {
      there: eight,
    });
    expect(brief).toEqual([read(2, device), write(2, address, 0xbbaan), write(2, device, 0xddccn)]);
    expect(world.requests[1]?.address).toBe(address);
  });

  it('of pairs is two requests of half each way for 16 bytes, and changes no flag but ZF', () => {
    const pair: Instruction = { kind: 'compareExchangePair', size: 16, address: device };
    const found = Uint8Array.of(...eight, ...eight.map((byte) => byte + 1));
    const expected = { rax: 0x8877_6655_4433_2211n, rdx: 0x8978_6756_4534_2312n };
    const cpu = makeCpu({ ...expected, rbx: 1n, rcx: 2n }, flag.carry | flag.sign);
    const same = run(pair, cpu, { there: found });
    expect(same.brief).toEqual([
      ...[read(8, device), read(8, device + 8n)],
      ...[write(8, device, 1n), write(8, device + 8n, 2n)],
    ]);
    expect(same.cpu.rflags).toBe(flag.carry | flag.sign | flag.zero | 2n);
    const other = run(pair, makeCpu({}, flag.zero), { there: found });
    expect(other.brief).toHaveLength(2);
    expect(other.cpu.gpr).toMatchObject(expected);
    expect(run({ ...pair, address: device + 8n }).outcome.kind).toBe('fault');
  });
});

describe('other instructions', () => {
  it('PUSH reads memory and writes the stack, POP the other way round', () => {
    const { brief, cpu, world } = run({ kind: 'push', size: 8, address: device }, makeCpu({ rsp: 0x3000n }), {
      there: eight,
    });
    expect([brief, cpu.gpr.rsp, world.bytes(0x2ff8n, 8)]).toEqual([[read(8, device)], 0x2ff8n, eight]);
    const pop = run({ kind: 'pop', size: 2, address: device }, makeCpu({ rsp: device + 0x800n }));
    expect([pop.brief, pop.cpu.gpr.rsp]).toEqual([[read(2, device + 0x800n), write(2, device, 0n)], device + 0x802n]);
  });

  it('extend what they load', () => {
    const load = { kind: 'load', size: 1, address: device + 7n, register: 'rax' } as const;
    const there = { there: Uint8Array.of(0x88) };
    const before = makeCpu({ rax: 0x5555_5555_5555_5555n });
    const loaded = (size: 2 | 4 | 8, isSigned: boolean): bigint =>
      run({ ...load, into: { size, isSigned } }, { ...before, gpr: { ...before.gpr } }, there).cpu.gpr.rax;
    expect([loaded(2, true), loaded(4, true), loaded(8, true), loaded(4, false)]).toEqual([
      ...[0x5555_5555_5555_ff88n, 0xffff_ff88n, 0xffff_ffff_ffff_ff88n, 0x88n],
    ]);
  });

  it('SSE loads leave the upper half of YMM, AVX loads clear it', () => {
    const cpu = makeCpu();
    for (const vector of cpu.vectors) vector.fill(0xee);
    run({ kind: 'loadVector', size: 4, address: device, vector: 1 }, cpu, { there: eight });
    run({ kind: 'loadVector', size: 8, address: device, vector: 2, isVex: true }, cpu, { there: eight });
    expect(cpu.vectors[1]).toEqual(
      Uint8Array.of(0x11, 0x22, 0x33, 0x44, ...Array<number>(12).fill(0), ...Array<number>(16).fill(0xee)),
    );
    expect(cpu.vectors[2]).toEqual(Uint8Array.of(...eight, ...Array<number>(24).fill(0)));
  });

  it('get #GP when the device model has spoilt its slot', () => {
    const load: Instruction = { kind: 'load', size: 4, address: device, register: 'rax' };
    const { outcome, cpu } = run(load, makeCpu({ rax: 9n }), { instead: () => 'unhandled' });
    expect(outcome).toEqual({ kind: 'fault', vector: 13, errorCode: 0 });
    expect(cpu.gpr.rax).toBe(9n);
  });
});

describe('instructions of one access', () => {
  it('CMOVcc reads whatever the condition, and clears the upper half of four bytes', () => {
    for (const [condition, rax] of [
      [4, 0x4433_2211n],
      [5, 0x5n],
    ] as const) {
      const cpu = makeCpu({ rax: 0xffff_ffff_0000_0005n }, flag.zero);
      const { brief } = run({ kind: 'loadIf', size: 4, address: device, register: 'rax', condition }, cpu, {
        there: eight,
      });
      expect([brief, cpu.gpr.rax]).toEqual([[read(4, device)], rax]);
    }
  });

  it('SETcc writes 1 or 0 without a read', () => {
    const set = (condition: number, rflags: bigint): Brief[] =>
      run({ kind: 'storeIf', size: 1, address: device, condition }, makeCpu({}, rflags)).brief;
    expect([set(12, flag.sign), set(12, flag.sign | flag.overflow), set(7, flag.carry)]).toEqual([
      [write(1, device, 1n)],
      [write(1, device, 0n)],
      [write(1, device, 0n)],
    ]);
  });

  it('MOVBE swaps', () => {
    const cpu = makeCpu({ rax: 0x1122_3344n });
    const load = run({ kind: 'load', size: 2, address: device, register: 'rax', isSwapped: true }, cpu, {
      there: eight,
    });
    expect([load.brief, cpu.gpr.rax]).toEqual([[read(2, device)], 0x1122_1122n]);
    const store: Instruction = {
      ...{ kind: 'store', size: 4, address: device, isSwapped: true },
      source: { register: 'rax' },
    };
    expect(run(store, cpu).brief).toEqual([write(4, device, 0x2211_2211n)]);
  });

  it('BSF of nothing leaves its register', () => {
    const cpu = makeCpu({ rax: 7n });
    run({ kind: 'count', operation: 'bsf', size: 4, address: device, register: 'rax' }, cpu);
    expect([cpu.gpr.rax, cpu.rflags & flag.zero]).toEqual([7n, flag.zero]);
  });

  it('the second byte of a register is one', () => {
    const cpu = makeCpu({ rdx: 0x1234_5678n });
    run({ kind: 'load', size: 1, address: device, register: 'dh' }, cpu, { there: eight });
    expect(cpu.gpr.rdx).toBe(0x1234_1178n);
    const { brief } = run({ kind: 'store', size: 1, address: device, source: { register: 'dh' } }, cpu);
    expect(brief).toEqual([write(1, device, 0x11n)]);
  });
});

describe('a stack in MMIO', () => {
  const top = device + 0x20n;

  it('PUSH goes down, POP up', () => {
    const cpu = makeCpu({ rsp: top, rbx: 5n });
    expect(run({ kind: 'pushValue', size: 8, source: { register: 'rbx' } }, cpu).brief).toEqual([
      write(8, top - 8n, 5n),
    ]);
    expect(cpu.gpr.rsp).toBe(top - 8n);
    expect(run({ kind: 'popRegister', size: 2, register: 'rbx' }, cpu).brief).toEqual([read(2, top - 8n)]);
    expect([cpu.gpr.rsp, cpu.gpr.rbx]).toEqual([top - 6n, 0n]);
  });

  it('ENTER and LEAVE', () => {
    const cpu = makeCpu({ rsp: top, rbp: 5n });
    expect(run({ kind: 'enter', frameBytes: 0x10 }, cpu).brief).toEqual([write(8, top - 8n, 5n)]);
    expect([cpu.gpr.rbp, cpu.gpr.rsp]).toEqual([top - 8n, top - 0x18n]);
    expect(run({ kind: 'leave' }, cpu).brief).toEqual([read(8, top - 8n)]);
    expect([cpu.gpr.rbp, cpu.gpr.rsp]).toEqual([0n, top]);
  });
});

it('a string instruction with 32-bit addresses uses the lower halves of its registers, and clears the upper', () => {
  const cpu = makeCpu({ rdi: 0x7_0010_0000n, rcx: 0x7_0000_0002n, rax: 9n });
  const { brief } = run({ kind: 'stos', size: 4, repeat: 'rep', isNarrow: true }, cpu);
  expect(brief).toEqual([{ size: 4, count: 2, address: device, data: 9n }]);
  expect([cpu.gpr.rdi, cpu.gpr.rcx]).toEqual([0x10_0008n, 0n]);
});

it('LOCK where it may not stand is #UD, without a request', () => {
  const { outcome, brief } = run({ kind: 'fault', vector: 6 });
  expect([outcome, brief]).toEqual([{ kind: 'fault', vector: 6, errorCode: 0 }, []]);
});
