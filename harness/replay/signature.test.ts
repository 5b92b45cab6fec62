import { describe, expect, it } from 'vitest';
import { ProgramBuilder, type Operation } from '../../guests/program/index.ts';
import type { TraceServer } from '../../src/model/oracle/check-trace.ts';
import { describeAccess } from './signature.ts';

const servers: TraceServer[] = [
  {
    name: 'a',
    ranges: [
      { kind: 'port', start: 0x5000n, end: 0x5003n },
      { kind: 'port', start: 0x5004n, end: 0x5007n },
      { kind: 'memory', start: 0x1000_0000n, end: 0x1000_1fffn },
    ],
  },
  { name: 'b', ranges: [{ kind: 'port', start: 0x5008n, end: 0x5008n }] },
];

const described = (build: (program: ProgramBuilder) => ProgramBuilder): string => {
  const [operation] = build(new ProgramBuilder()).build().operations;
  return describeAccess(operation as Operation, servers);
};

describe('the signature of an access', () => {
  it.each([
    ['in, port of one region', (program: ProgramBuilder) => program.in(0x5000, 4)],
    ['in, port of several regions', (program: ProgramBuilder) => program.in(0x5002, 4)],
    ['out, port of 2 servers', (program: ProgramBuilder) => program.out(0x5006, 4, 1)],
    ['in, port partly of a region', (program: ProgramBuilder) => program.in(0x5008, 2)],
    ['in, port of nobody', (program: ProgramBuilder) => program.in(0x6000, 1)],
    ['load, memory of one region across pages', (program: ProgramBuilder) => program.load(0x1000_0ffe, 4)],
    ['store, RAM and memory of nobody across pages', (program: ProgramBuilder) => program.store(0x3ff_fffe, 8, 1)],
    [
      'rep movs downwards, RAM, memory of one region',
      (program: ProgramBuilder) =>
        program.repMovs({ size: 4, count: 3, source: 0x200_0100, destination: 0x1000_0100, backward: true }),
    ],
    [
      'modify add, memory of one region',
      (program: ProgramBuilder) => program.raw(Uint8Array.of(0x48, 0x01, 0x0b), { registers: { rbx: 0x1000_0000 } }),
    ],
    ['machine code', (program: ProgramBuilder) => program.raw(Uint8Array.of(0x0f, 0xa2))],
  ])('is: %s', (signature, build) => {
    expect(described(build)).toBe(signature);
  });

  it('is the same whatever the values, and mostly the place, are', () => {
    expect(described((program) => program.out(0x5000, 2, 1))).toBe(
      described((program) => program.out(0x5001, 1, 0x77)),
    );
  });
});
