import fc from 'fast-check';
import { GPR_NAMES, ProgramBuilder, SCRATCH, type Operation, type Program } from '../program/index.ts';

const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const u32 = fc.nat({ max: 0xffff_ffff });
const portSize = fc.constantFrom(1, 2, 4);
const memorySize = fc.constantFrom(1, 2, 4, 8);
/* Below the control port, so that no width reaches it. */
const port = fc.nat({ max: 0xe4f0 });
const target = fc.bigInt({ min: SCRATCH.end, max: 2n ** 63n });
const scratch = fc.bigInt({ min: SCRATCH.start, max: SCRATCH.end - 256n });
const few = fc.nat({ max: 200 });
const bytes = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length });

const string = {
  repeat: fc.constantFrom('none', 'rep'),
  backward: fc.boolean(),
  count: fc.nat({ max: 1000 }),
} as const;
const comparing = { ...string, repeat: fc.constantFrom('none', 'rep', 'repne') } as const;

const sampled = fc.oneof(
  fc.record({ op: fc.constant('in'), port, size: portSize, rax: u64 }),
  fc.record({ op: fc.constant('out'), port, size: portSize, rax: u64 }),
  fc.record({ op: fc.constant('load'), address: u64, size: memorySize, rax: u64 }),
  fc.record({ op: fc.constant('store'), address: target, size: memorySize, rax: u64 }),
  fc.record({ op: fc.constant('cpuid'), leaf: u32, subleaf: u32 }),
  fc.record({ op: fc.constant('rdtsc') }),
);

const raw = fc.constantFrom(0, 16, 32).chain((vectorBytes) =>
  fc.record({
    op: fc.constant('raw'),
    code: fc.uint8Array({ maxLength: 64 }),
    registers: fc.record(Object.fromEntries(GPR_NAMES.map((name) => [name, u64])), { requiredKeys: [] }),
    rflags: u64.map((value) => value & 0xcd5n),
    vectorBytes: fc.constant(vectorBytes),
    vectors:
      vectorBytes === 0
        ? fc.constant({})
        : fc.dictionary(fc.nat({ max: 15 }).map(String), bytes(vectorBytes), { noNullPrototype: true }),
  }),
);

/** Any operation that the format can express; its addresses are chosen for the codecs, not for a guest. */
export const arbitraryOperation: fc.Arbitrary<Operation> = fc.oneof(
  sampled,
  fc.record({ op: fc.constant('ins'), ...string, size: portSize, port, destination: target }),
  fc.record({ op: fc.constant('outs'), ...string, size: portSize, port, source: u64 }),
  fc.record({ op: fc.constant('movs'), ...string, size: memorySize, source: u64, destination: target }),
  fc.record({ op: fc.constant('stos'), ...string, size: memorySize, destination: target, rax: u64 }),
  fc.record({ op: fc.constant('lods'), ...string, size: memorySize, source: u64, rax: u64 }),
  fc.record({ op: fc.constant('scas'), ...comparing, size: memorySize, destination: u64, rax: u64 }),
  fc.record({ op: fc.constant('cmps'), ...comparing, size: memorySize, source: u64, destination: u64 }),
  fc.record({ op: fc.constant('barrier'), timeoutCycles: u64 }),
  fc.record({ op: fc.constant('fill'), address: scratch, length: few, byte: fc.nat({ max: 255 }) }),
  fc.record({ op: fc.constant('write'), address: scratch, bytes: fc.uint8Array({ maxLength: 200 }) }),
  fc.record({ op: fc.constant('read'), address: scratch, length: few }),
  fc.record({ op: fc.constant('crash') }),
  fc.record(
    {
      op: fc.constant('interrupts'),
      count: fc.integer({ min: 1, max: 1024 }),
      timeoutCycles: u64,
      acknowledge: fc.integer({ min: 1, max: 0xe4f0 }),
      end: fc.constantFrom('none', 'apic', 'pic'),
    },
    { requiredKeys: ['op', 'count', 'timeoutCycles', 'end'] },
  ),
  fc.record({ op: fc.constant('sample'), inner: sampled, warmup: u32, count: few, stamps: fc.boolean() }),
  raw,
);

/** A program of a few such operations. */
export const arbitraryProgram: fc.Arbitrary<Program> = fc
  .array(arbitraryOperation, { maxLength: 12 })
  .map((operations) => operations.reduce((builder, each) => builder.add(each), new ProgramBuilder()).build());
