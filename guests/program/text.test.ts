import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isLabError } from '../../src/errors.ts';
import { arbitraryProgram } from '../testing/arbitrary-program.ts';
import { ProgramBuilder, programFromText, programToText, SCRATCH } from './index.ts';

describe('programs as text', () => {
  it('read like this', () => {
    const ram = SCRATCH.start;
    const program = new ProgramBuilder()
      .out(0x5000, 4, 0xdeadbeef)
      .in(0x5000, 1, { rax: 0x1122n })
      .store(0x1000_0000, 2, 0x1234, { rax: 0xff_0000 })
      .repOuts({ port: 0x5000, size: 4, source: ram, count: 16, backward: true })
      .movs({ size: 8, source: 0x1000_0000, destination: ram })
      .scas({ size: 1, destination: ram, value: 9, count: 64, repeat: 'repne' })
      .cpuid(0x4000_0000)
      .write(ram, Uint8Array.of(1, 0xab))
      .write(ram, new Uint8Array())
      .raw(Uint8Array.of(0x66, 0x0f, 0x6f, 6), { registers: { rsi: ram }, rflags: 1, vectorBytes: 16 })
      .sample({ warmup: 500, count: 10_000 }, (op) => op.in(0x5000, 4))
      .barrier({ timeoutCycles: 1000 })
      .crash()
      .build();
    const text = [
      'out 0x5000 4 0xdeadbeef',
      'in 0x5000 1 rax=0x1122',
      'store 0x10000000 2 0x1234 rax=0xff0000',
      'rep outs 4 port=0x5000 from=0x2000000 count=16 backward',
      'movs 8 from=0x10000000 to=0x2000000 count=1',
      'repne scas 1 to=0x2000000 rax=0x9 count=64',
      'cpuid 0x40000000 0x0',
      'write 0x2000000 01ab',
      'write 0x2000000 -',
      'raw 660f6f06 rsi=0x2000000 rflags=0x1 vectors=16',
      'sample warmup=500 count=10000 in 0x5000 4',
      'barrier timeout=1000',
      'crash',
      '',
    ].join('\n');
    expect(programToText(program)).toBe(text);
    expect(programFromText(text)).toEqual(program);
  });

  it('come back as they were', () => {
    fc.assert(
      fc.property(arbitraryProgram, (program) => {
        const text = programToText(program);
        const again = programFromText(text);
        expect(again).toEqual(program);
        expect(programToText(again)).toBe(text);
      }),
    );
  });

  it('may have comments, empty lines, and defaults left out', () => {
    const program = programFromText('# a program\n\n  in 80 1   # decimal\n\tmovs 4 from=0 to=0x2000000\r\nbarrier\n');
    expect(program).toEqual(
      new ProgramBuilder().in(80, 1).movs({ size: 4, source: 0, destination: SCRATCH.start }).barrier().build(),
    );
  });

  it.each([
    ['in 0x5000 4\nfoo 1', 'line 2: there is no operation "foo"'],
    ['in', 'line 1: port is missing'],
    ['in 0x5000', 'line 1: size is missing'],
    ['in five 4', 'line 1: port must be a number (decimal or 0x...), not "five"'],
    ['in 0x5000 4 rax', 'line 1: "rax" is not understood'],
    ['in 0x5000 4 rbx=1', 'line 1: "rbx=" is not understood'],
    ['in 0x5000 4 rax=1 rax=2', 'line 1: rax= is given twice'],
    ['in 0x5000 3', 'line 1: size of in must be 1, 2, 4 bytes'],
    ['\n\nout 0x5000 1 0x100', 'line 3: value of out 0x100 does not fit'],
    ['in 0xfffffffffffffffff 1', 'line 1: port is too large'],
    ['rep in 0x5000 4', 'line 1: in cannot be repeated by rep'],
    ['movs 4 from=1', 'line 1: to= is missing'],
    ['sample in 0x5000 4', 'line 1: count= is missing'],
    ['sample count=1 barrier', 'line 1: barrier cannot be sampled'],
    ['raw 9', 'line 1: code must be pairs of hexadecimal digits'],
    ['rep', 'line 1: operation is missing'],
  ])('name the line of a mistake: %j', (text, message) => {
    expect(() => programFromText(text)).toThrow(message);
  });

  it('never fail otherwise, whatever the text is', () => {
    const word = fc.constantFrom(
      'in',
      'out',
      'rep',
      'movs',
      'raw',
      'sample',
      '4',
      '0x5000',
      'count=3',
      'v1=00',
      '=',
      '#',
      '\n',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(word).map((words) => words.join(' ')),
        ),
        (text) => {
          try {
            programFromText(text);
          } catch (error) {
            expect(isLabError(error)).toBe(true);
          }
        },
      ),
    );
  });
});
