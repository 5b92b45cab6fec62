import { describe, expect, it } from 'vitest';
import { CONTROL_PORT, MAX_SAMPLES, ProgramBuilder, SCRATCH } from './index.ts';

const build = (use: (program: ProgramBuilder) => ProgramBuilder) => () => use(new ProgramBuilder()).build();
const source = SCRATCH.start;

describe('the program builder', () => {
  it('makes plain, frozen operations', () => {
    const { operations } = new ProgramBuilder().out(0x5000, 4, 0xdeadbeef).in(0x5000, 4).build();
    expect(operations).toEqual([
      { op: 'out', port: 0x5000, size: 4, rax: 0xdeadbeefn },
      { op: 'in', port: 0x5000, size: 4, rax: 0n },
    ]);
    expect(Object.isFrozen(operations) && operations.every((each) => Object.isFrozen(each))).toBe(true);
  });

  it('keeps a built program as it is', () => {
    const builder = new ProgramBuilder().rdtsc();
    const program = builder.build();
    builder.rdtsc();
    expect(program.operations).toHaveLength(1);
  });

  it('puts the value into the low bytes of RAX', () => {
    const { operations } = new ProgramBuilder().out(0x5000, 2, 0xabcd, { rax: 0x1122_3344_5566_7788n }).build();
    expect(operations[0]).toMatchObject({ rax: 0x1122_3344_5566_abcdn });
  });

  const wrong: readonly (readonly [string, () => unknown, string | RegExp])[] = [
    ['value too large', build((p) => p.out(0x5000, 1, 0x100)), 'value of out 0x100 does not fit in 1 byte'],
    ['negative value', build((p) => p.store(source, 4, -1)), 'value of store -0x1 does not fit in 4 bytes'],
    ['inexact value', build((p) => p.store(source, 8, 2 ** 60)), 'exact integer'],
    ['fraction', build((p) => p.store(source, 8, 1.5)), 'exact integer'],
    ['port too large', build((p) => p.in(0x1_0000, 1)), 'port of in must be an integer from 0x0 to 0xffff'],
    ['no port', build((p) => p.in(Number.NaN, 1)), 'port of in'],
    ['port size', build((p) => p.in(0x5000, 8 as 4)), 'size of in must be 1, 2, 4 bytes, not 8'],
    ['memory size', build((p) => p.load(source, 16 as 8)), 'size of load must be 1, 2, 4, 8 bytes'],
    [
      'no interrupts',
      build((p) => p.interrupts({ count: 0 })),
      'count of interrupts must be an integer from 0x1 to 0x400',
    ],
    ['handlers at the control port', build((p) => p.interrupts({ acknowledge: CONTROL_PORT })), 'control port'],
    ['whom handlers tell', build((p) => p.interrupts({ end: 'x' as 'apic' })), 'nobody is called x'],
    ['control port', build((p) => p.in(CONTROL_PORT - 1, 2)), 'touches the control port 0xe500'],
    ['control port by OUTS', build((p) => p.repOuts({ port: CONTROL_PORT, size: 4, source })), 'control port'],
    ['sampled control port', build((p) => p.sample({ count: 1 }, (op) => op.in(CONTROL_PORT, 4))), 'control port'],
    ['address too large', build((p) => p.load(2n ** 64n, 1)), 'address 0x10000000000000000 does not fit'],
    ['own memory', build((p) => p.store(0x10_0000, 1, 0)), "would overwrite the guest's own memory"],
    [
      'own memory downwards',
      build((p) => p.repStos({ size: 8, destination: source, value: 0, count: 2, backward: true })),
      'own memory',
    ],
    ['REPNE MOVS', build((p) => p.movs({ size: 1, source, destination: source, repeat: 'repne' })), 'no repne form'],
    ['count', build((p) => p.repIns({ port: 1, size: 1, destination: source, count: 2 ** 32 })), 'count of ins'],
    ['fill outside', build((p) => p.fill(0x1000, 8, 0)), 'must lie in scratch memory'],
    ['fill byte', build((p) => p.fill(source, 8, 256)), 'byte of fill'],
    ['read across the end', build((p) => p.read(SCRATCH.end - 7n, 8)), 'must lie in scratch memory'],
    ['raw code', build((p) => p.raw(new Uint8Array(65))), 'raw code has 65 bytes, at most 64'],
    ['raw flags', build((p) => p.raw(Uint8Array.of(0x90), { rflags: 0x100 })), 'rflags 0x100 has bits outside'],
    [
      'vector length',
      build((p) => p.raw(Uint8Array.of(0x90), { vectorBytes: 16, vectors: { 1: new Uint8Array(8) } })),
      'vector register 1 has 8 bytes, not 16',
    ],
    [
      'vector number',
      build((p) => p.raw(Uint8Array.of(0x90), { vectorBytes: 16, vectors: { 16: new Uint8Array(16) } })),
      'vector register',
    ],
    ['register name', build((p) => p.raw(Uint8Array.of(0x90), { registers: { eip: 1 } as object })), 'no register eip'],
    ['too many samples', build((p) => p.sample({ count: MAX_SAMPLES + 1 }, (op) => op.rdtsc())), 'a window holds'],
    ['warm-up', build((p) => p.sample({ warmup: -1, count: 1 }, (op) => op.rdtsc())), 'warmup of sample'],
    ['too long', build((p) => p.write(source, new Uint8Array(0x1_e000))), /the program has \d+ bytes.*split it/],
  ];
  for (const [name, make, message] of wrong)
    it(`refuses: ${name}`, () => {
      expect(make).toThrow(message);
      expect(make).toThrow(expect.objectContaining({ blame: 'scenario', code: 'PROGRAM_INVALID' }) as Error);
    });

  it('accepts the largest number of samples', () => {
    expect(build((p) => p.sample({ count: MAX_SAMPLES }, (op) => op.rdtsc()))).not.toThrow();
  });
});
