import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checksum } from '../program/checksum.ts';
import { FLAG, OPCODE, OPERATION, PROGRAM_HEADER, RAW_INPUT, WINDOW } from '../program/format.ts';
import { decodeResults, encodeProgram, ProgramBuilder, SCRATCH, type Program } from '../program/index.ts';
import { StructView } from '../program/layout.ts';
import { TestGuest } from '../testing/test-guest.ts';

type Spoil = (fields: {
  readonly header: StructView<keyof typeof PROGRAM_HEADER.fields>;
  readonly operation: StructView<keyof typeof OPERATION.fields>;
  readonly view: DataView;
}) => void;

const program = new ProgramBuilder().in(0x5558, 4).build();
const string = new ProgramBuilder().repMovs({ size: 4, source: 0, destination: SCRATCH.start, count: 2 }).build();
const raw = new ProgramBuilder().raw(Uint8Array.of(0x90)).build();
const write = new ProgramBuilder().write(SCRATCH.start, Uint8Array.of(1, 2, 3)).build();
const read = new ProgramBuilder().read(SCRATCH.start, 16).build();
const sample = new ProgramBuilder().sample({ count: 4 }, (op) => op.in(0x5558, 4)).build();
const interrupts = new ProgramBuilder().interrupts().build();
const rawStart = PROGRAM_HEADER.size + OPERATION.size;

describe('a program that is not sound', () => {
  let guest: TestGuest;
  beforeAll(async () => {
    guest = await TestGuest.start();
  }, 60_000);
  afterAll(async () => {
    await guest[Symbol.asyncDispose]();
  });

  /** Encodes, spoils, repairs the checksum unless told otherwise, runs, decodes. */
  async function attempt(base: Program, spoil: Spoil, repair = true): Promise<unknown> {
    const sequence = guest.nextSequence();
    const bytes = encodeProgram(base, { sequence, vcpu: 0 });
    const view = new DataView(bytes.buffer);
    const header = new StructView(PROGRAM_HEADER, view, 0);
    spoil({ header, operation: new StructView(OPERATION, view, PROGRAM_HEADER.size), view });
    const sum = checksum(view, 0, header.position('checksum'));
    if (repair) header.set('checksum', checksum(view, PROGRAM_HEADER.size, bytes.length - PROGRAM_HEADER.size, sum));
    guest.place(0, bytes, sequence);
    return decodeResults(await guest.results(0, sequence, base), base, { sequence });
  }

  const cases: readonly (readonly [string, Program, Spoil, string])[] = [
    ['magic', program, ({ header }) => header.set('magic', 0), 'badMagic'],
    ['format', program, ({ header }) => header.set('format', 1), 'badFormat'],
    ['vCPU', program, ({ header }) => header.set('vcpu', 1), 'badVcpu'],
    ['participants', program, ({ header }) => header.set('participants', 2), 'badVcpu'],
    ['number of operations', program, ({ header }) => header.set('operationCount', 0xffff_ffff), 'badLength'],
    ['payload size', program, ({ header }) => header.set('payloadBytes', WINDOW.programSize), 'badLength'],
    ['payload alignment', write, ({ header }) => header.set('payloadBytes', 4), 'badLength'],
    ['opcode 0', program, ({ operation }) => operation.set('opcode', 0), 'badOpcode at operation 0'],
    ['opcode 255', program, ({ operation }) => operation.set('opcode', 255), 'badOpcode at operation 0'],
    ['size', program, ({ operation }) => operation.set('size', 8), 'badOperand'],
    ['port', program, ({ operation }) => operation.set('a', 0x1_0000), 'badOperand'],
    ['flags', program, ({ operation }) => operation.set('flags', FLAG.rep), 'badOperand'],
    ['unknown flags', string, ({ operation }) => operation.set('flags', 0x80), 'badOperand'],
    ['REPNE MOVS', string, ({ operation }) => operation.set('flags', FLAG.repne), 'badOperand'],
    ['count', program, ({ operation }) => operation.set('count', 1), 'badOperand'],
    ['inner', program, ({ operation }) => operation.set('inner', 1), 'badOperand'],
    ['c', program, ({ operation }) => operation.set('c', 1), 'badOperand'],
    ['target in the guest', string, ({ operation }) => operation.set('b', 0x1f_fffe), 'ownMemory'],
    ['target below the guest', string, ({ operation }) => operation.set('b', 0x10_0000 - 7), 'ownMemory'],
    ['no interrupts', interrupts, ({ operation }) => operation.set('count', 0), 'badOperand'],
    ['too many interrupts', interrupts, ({ operation }) => operation.set('count', 1025), 'badOperand'],
    ['port of handlers', interrupts, ({ operation }) => operation.set('b', 0x1_0000), 'badOperand'],
    ['whom handlers tell', interrupts, ({ operation }) => operation.set('inner', 3), 'badOperand'],
    ['sampled opcode', sample, ({ operation }) => operation.set('inner', OPCODE.movs), 'badOperand'],
    ['sampled size', sample, ({ operation }) => operation.set('size', 3), 'badOperand'],
    ['samples beyond the window', sample, ({ operation }) => operation.set('count', 0xffff_ffff), 'badLength'],
    ['read outside of scratch memory', read, ({ operation }) => operation.set('a', 0x1000), 'badOperand'],
    ['read across its end', read, ({ operation }) => operation.set('a', SCRATCH.end - 15n), 'badOperand'],
    ['payload offset', write, ({ operation }) => operation.set('b', 8), 'badOperand'],
    ['payload offset at the top', raw, ({ operation }) => operation.set('b', 2n ** 64n - 8n), 'badOperand'],
    ['raw payload too short', raw, ({ operation }) => operation.set('count', 8), 'badOperand'],
    ['raw code too long', raw, ({ view }) => view.setUint8(rawStart, 65), 'badOperand'],
    ['vector size', raw, ({ view }) => view.setUint8(rawStart + 1, 64), 'badOperand'],
    ['vectors without payload', raw, ({ view }) => view.setUint8(rawStart + 1, 16), 'badOperand'],
    [
      'flags of raw code',
      raw,
      ({ view }) => view.setBigUint64(rawStart + RAW_INPUT.fields.rflags.offset, 0x100n, true),
      'badOperand',
    ],
  ];
  for (const [name, base, spoil, status] of cases)
    it(`is refused: ${name}`, async () => {
      await expect(attempt(base, spoil)).rejects.toMatchObject({
        code: 'GUEST_REFUSED_PROGRAM',
        blame: 'guest',
        message: expect.stringContaining(status) as string,
      });
    });

  it('is refused: checksum', async () => {
    const spoil: Spoil = ({ operation }) => operation.set('b', 1);
    await expect(attempt(program, spoil, false)).rejects.toThrow('badChecksum');
  });

  it('runs when it is not spoilt', async () => {
    expect(await attempt(program, () => undefined)).toMatchObject({ results: [{ value: 0xffff_ffff }] });
  });
});
