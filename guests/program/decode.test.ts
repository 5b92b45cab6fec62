import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isLabError } from '../../src/errors.ts';
import { arbitraryProgram } from '../testing/arbitrary-program.ts';
import { encodeResults, sealResults } from '../testing/encode-results.ts';
import { OUTCOME, RESULT, RESULT_HEADER, STATUS } from './format.ts';
import { decodeResults, ProgramBuilder, resultBytes, type Program } from './index.ts';
import { StructView } from './layout.ts';
import { layOut } from './program-layout.ts';

const run = { sequence: 9, vcpu: 2 };

/** Decodes; a LabError of the guest's is an answer, anything else a bug. */
function attempt(bytes: Uint8Array, program: Program): string {
  try {
    decodeResults(bytes, program, run);
    return 'decoded';
  } catch (error) {
    if (isLabError(error) && error.blame === 'guest') return error.message;
    throw error;
  }
}

describe('decoding of results', () => {
  it('takes what a sound guest writes', () => {
    fc.assert(
      fc.property(arbitraryProgram, (program) => {
        const seen = decodeResults(encodeResults(program, run), program, run);
        expect(seen.results.map(({ op }) => op)).toEqual(program.operations.map(({ op }) => op));
        for (const [index, result] of seen.results.entries()) {
          const operation = program.operations[index];
          expect(result.rbx).toBe(0x5a5a_5a5a_5a5a_5a5an);
          if (operation?.op === 'sample') expect(result.samples).toHaveLength(operation.count);
          if (operation?.op === 'read') expect(result.bytes).toEqual(new Uint8Array(operation.length).fill(0x5a));
          if (operation?.op === 'raw')
            expect(result.registers?.vectors.map(({ length }) => length)).toEqual(
              Array.from({ length: operation.vectorBytes === 0 ? 0 : 16 }, () => operation.vectorBytes),
            );
          if (operation?.op === 'in') expect(result.value).toBe(0x5a5a_5a5a >>> (32 - operation.size * 8));
        }
      }),
    );
  });

  it('answers any bytes with results or an error of the guest', () => {
    fc.assert(
      fc.property(arbitraryProgram, fc.uint8Array({ maxLength: 4000 }), (program, bytes) => {
        expect(attempt(bytes, program)).toMatch(/^results: /);
      }),
    );
  });

  it('notices every changed byte', () => {
    fc.assert(
      fc.property(arbitraryProgram, fc.nat(), fc.integer({ min: 1, max: 255 }), (program, position, change) => {
        const bytes = encodeResults(program, run);
        const at = position % bytes.length;
        if (program.operations.length === 0 && at >= RESULT_HEADER.size) return;
        bytes[at] = (bytes[at] ?? 0) ^ change;
        expect(attempt(bytes, program)).not.toBe('decoded');
      }),
    );
  });

  it('never reads beyond its bytes, nor believes a header that is sealed but wrong', () => {
    const fields = Object.values(RESULT_HEADER.fields).filter(({ name }) => name !== 'checksum');
    fc.assert(
      fc.property(
        arbitraryProgram,
        fc.constantFrom(...fields),
        fc.nat({ max: 2 ** 32 - 1 }),
        (program, field, value) => {
          const bytes = encodeResults(program, run);
          new StructView(RESULT_HEADER, new DataView(bytes.buffer), 0).set(field.name as 'status', value);
          sealResults(bytes);
          attempt(bytes, program);
          attempt(bytes.subarray(0, value % (bytes.length + 1)), program);
        },
      ),
    );
  });

  it('copies before it checks: what the guest writes later changes nothing', () => {
    const program = new ProgramBuilder().sample({ count: 4 }, (op) => op.rdtsc()).build();
    const bytes = encodeResults(program, run, 1);
    const seen = decodeResults(bytes, program, run);
    bytes.fill(0xff);
    expect([...(seen.results[0]?.samples ?? [])]).toEqual([0x0101_0101, 0x0101_0101, 0x0101_0101, 0x0101_0101]);
  });

  const sample = new ProgramBuilder().sample({ count: 4 }, (op) => op.rdtsc()).build();
  const spoilt: readonly (readonly [
    string,
    (header: StructView<string>, record: StructView<string>) => void,
    string,
  ])[] = [
    ['sequence', (header) => header.set('sequence', 8), 'sequence is 0x8, expected 0x9'],
    ['vCPU', (header) => header.set('vcpu', 0), 'vcpu is 0x0, expected 0x2'],
    ['format', (header) => header.set('format', 1), 'built for program format 0x1'],
    ['number of results', (header) => header.set('resultCount', 2), 'number of results'],
    ['data', (header) => header.set('dataBytes', 0), 'length of the data'],
    ['opcode', (_, record) => record.set('opcode', 1), 'opcode of result 0'],
    ['outcome', (_, record) => record.set('outcome', 9), 'outcome of result 0 is 9'],
    ['samples', (_, record) => record.set('samples', 5), 'result 0 has 5 samples of 4'],
    ['missing samples', (_, record) => record.set('samples', 3), 'result 0 has 3 samples of 4'],
    ['data offset', (_, record) => record.set('dataOffset', 64), 'data offset of result 0'],
    ['data length', (_, record) => record.set('dataBytes', 1), 'data length of result 0'],
  ];
  for (const [name, spoil, message] of spoilt)
    it(`refuses a wrong ${name}`, () => {
      const bytes = encodeResults(sample, run);
      const view = new DataView(bytes.buffer);
      spoil(new StructView<string>(RESULT_HEADER, view, 0), new StructView<string>(RESULT, view, RESULT_HEADER.size));
      sealResults(bytes);
      expect(attempt(bytes, sample)).toContain(message);
    });

  it('says why the guest refused a program', () => {
    const bytes = encodeResults(new ProgramBuilder().build(), run);
    const header = new StructView(RESULT_HEADER, new DataView(bytes.buffer), 0);
    header.set('status', STATUS.badOperand);
    header.set('detail', 3);
    sealResults(bytes);
    expect(attempt(bytes, sample)).toBe('the guest refused the program: badOperand at operation 3');
  });

  it('puts the starts of samples behind each other, across the low half coming round', () => {
    const stamped = new ProgramBuilder().sample({ count: 3, stamps: true }, (op) => op.rdtsc()).build();
    const bytes = encodeResults(stamped, run);
    const view = new DataView(bytes.buffer);
    new StructView(RESULT_HEADER, view, 0).set('started', 0x5_ffff_ff00n);
    const { dataStart } = layOut(stamped);
    [0xffff_ff80, 10, 0x10, 20, 0x20, 30].forEach((word, i) => view.setUint32(dataStart + 4 * i, word, true));
    sealResults(bytes);
    const [seen] = decodeResults(bytes, stamped, run).results;
    expect([...(seen?.starts ?? [])]).toEqual([0x5_ffff_ff80, 0x6_0000_0010, 0x6_0000_0020]);
    expect([...(seen?.samples ?? [])]).toEqual([10, 20, 30]);
  });

  it('reports faults by name, with the samples there are', () => {
    const bytes = encodeResults(sample, run);
    const record = new StructView(RESULT, new DataView(bytes.buffer), RESULT_HEADER.size);
    record.set('outcome', OUTCOME.fault);
    record.set('vector', 14);
    record.set('errorCode', 2);
    record.set('cr2', 0x1234n);
    record.set('samples', 1);
    sealResults(bytes);
    const [seen] = decodeResults(bytes, sample, run).results;
    expect(seen?.fault).toMatchObject({ vector: 14, name: '#PF', errorCode: 2, address: 0x1234n });
    expect(seen?.samples).toHaveLength(1);
    expect(resultBytes(sample)).toBe(bytes.length);
  });
});
