import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arbitraryProgram } from '../testing/arbitrary-program.ts';
import { formatDigest } from './c-header.ts';
import { checksum } from './checksum.ts';
import { MAGIC, OPCODE, OPERATION, PROGRAM_HEADER, WINDOW } from './format.ts';
import { encodeProgram, ProgramBuilder } from './index.ts';
import { StructView } from './layout.ts';

const run = { sequence: 7, vcpu: 3 };

describe('encoding of programs', () => {
  it('frames, counts and checks', () => {
    fc.assert(
      fc.property(arbitraryProgram, (program) => {
        const bytes = encodeProgram(program, { ...run, participants: 0b1010 });
        const view = new DataView(bytes.buffer);
        const header = new StructView(PROGRAM_HEADER, view, 0);
        expect(bytes.length).toBeLessThanOrEqual(WINDOW.programSize);
        expect(bytes.length % 8).toBe(0);
        expect(header.get('magic')).toBe(MAGIC.program);
        expect(header.get('format')).toBe(formatDigest);
        expect([header.get('sequence'), header.get('vcpu'), header.get('participants')]).toEqual([7, 3, 0b1010]);
        expect(header.get('operationCount')).toBe(program.operations.length);
        const body = bytes.length - PROGRAM_HEADER.size;
        expect(header.get('payloadBytes')).toBe(body - program.operations.length * OPERATION.size);
        const sum = checksum(view, 0, PROGRAM_HEADER.fields.checksum.offset);
        expect(header.get('checksum')).toBe(checksum(view, PROGRAM_HEADER.size, body, sum));
        const opcodes = program.operations.map((_, index) => bytes[PROGRAM_HEADER.size + index * OPERATION.size]);
        expect(opcodes).toEqual(program.operations.map(({ op }) => OPCODE[op]));
      }),
    );
  });

  it.each([
    [{ sequence: 0, vcpu: 0 }, 'sequence'],
    [{ sequence: 2 ** 32, vcpu: 0 }, 'sequence'],
    [{ sequence: 1, vcpu: 16 }, 'vcpu'],
    [{ sequence: 1, vcpu: -1 }, 'vcpu'],
    [{ sequence: 1, vcpu: 2, participants: 0b11 }, 'vCPU 2 does not take part'],
    [{ sequence: 1, vcpu: 0, participants: 0x1_0001 }, 'participants'],
  ])('refuses %o', (options, message) => {
    expect(() => encodeProgram(new ProgramBuilder().build(), options)).toThrow(message);
  });
});
