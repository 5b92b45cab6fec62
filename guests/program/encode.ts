import { formatDigest } from './c-header.ts';
import { checksum } from './checksum.ts';
import { checkInteger, programError } from './check-values.ts';
import { END, FLAG, MAGIC, MAX_VCPUS, OPCODE, OPERATION, PROGRAM_HEADER, RAW_INPUT } from './format.ts';
import { StructView } from './layout.ts';
import { GPR_NAMES, type AnyStringOperation, type Operation, type Program, type RawOperation } from './operation.ts';
import { layOut, payloadBytes, VECTOR_STRIDE } from './program-layout.ts';

/** Which run a program is part of. */
export interface RunOptions {
  /** Number of the run, 1..0xffffffff: the same for all vCPUs of it, another one for each run. */
  readonly sequence: number;
  /** The vCPU whose window it is written to. */
  readonly vcpu: number;
  /** Bit n: vCPU n takes part; default: only `vcpu`. */
  readonly participants?: number;
}

/** The operands a, b, c and count of format.ts's opcodes. */
interface Operands {
  readonly size?: number;
  readonly flags?: number;
  readonly inner?: number;
  readonly count?: number;
  readonly a?: number | bigint;
  readonly b?: number | bigint;
  readonly c?: number;
}

function stringOperands(operation: AnyStringOperation): Operands {
  const { size, count, repeat, backward } = operation;
  const flags =
    (repeat === 'rep' ? FLAG.rep : 0) | (repeat === 'repne' ? FLAG.repne : 0) | (backward ? FLAG.backward : 0);
  const common = { size, count, flags };
  switch (operation.op) {
    case 'ins':
      return { ...common, a: operation.destination, b: operation.port };
    case 'outs':
      return { ...common, a: operation.source, b: operation.port };
    case 'movs':
    case 'cmps':
      return { ...common, a: operation.source, b: operation.destination };
    case 'stos':
    case 'scas':
      return { ...common, a: operation.destination, b: operation.rax };
    case 'lods':
      return { ...common, a: operation.source, b: operation.rax };
  }
}

function operands(operation: Operation, payloadOffset: number): Operands {
  switch (operation.op) {
    case 'in':
    case 'out':
      return { size: operation.size, a: operation.port, b: operation.rax };
    case 'load':
    case 'store':
      return { size: operation.size, a: operation.address, b: operation.rax };
    case 'cpuid':
      return { a: operation.leaf, b: operation.subleaf };
    case 'rdtsc':
    case 'crash':
      return {};
    case 'barrier':
      return { a: operation.timeoutCycles };
    case 'interrupts':
      return {
        a: operation.timeoutCycles,
        b: operation.acknowledge ?? 0,
        inner: END[operation.end],
        count: operation.count,
      };
    case 'fill':
      return { a: operation.address, b: operation.byte, count: operation.length };
    case 'write':
      return { a: operation.address, b: payloadOffset, count: operation.bytes.length };
    case 'read':
      return { a: operation.address, count: operation.length };
    case 'raw':
      return { b: payloadOffset, count: payloadBytes(operation) };
    case 'sample': {
      const inner = operands(operation.inner, 0);
      const flags = operation.stamps ? FLAG.stamps : 0;
      return { ...inner, flags, inner: OPCODE[operation.inner.op], count: operation.count, c: operation.warmup };
    }
    default:
      return stringOperands(operation);
  }
}

function writeRaw(bytes: Uint8Array, view: DataView, base: number, operation: RawOperation): void {
  const raw = new StructView(RAW_INPUT, view, base);
  raw.set('codeBytes', operation.code.length);
  raw.set('vectorBytes', operation.vectorBytes);
  bytes.set(operation.code, raw.position('code'));
  raw.set('rflags', operation.rflags);
  GPR_NAMES.forEach((name, index) => raw.set('gpr', operation.registers[name] ?? 0n, index));
  for (const [index, vector] of Object.entries(operation.vectors))
    bytes.set(vector, base + RAW_INPUT.size + Number(index) * VECTOR_STRIDE);
}

/**
 * The bytes of a program as the guest expects them at offset `WINDOW.programOffset` of the vCPU's window.
 * Throws a LabError (blame `scenario`) when the program does not fit, or the options make no sense.
 */
export function encodeProgram(program: Program, options: RunOptions): Uint8Array {
  const { sequence, vcpu, participants = 1 << vcpu } = options;
  checkInteger('sequence', sequence, 1, 0xffff_ffff);
  checkInteger('vcpu', vcpu, 0, MAX_VCPUS - 1);
  checkInteger('participants', participants, 1, 2 ** MAX_VCPUS - 1);
  if ((participants & (1 << vcpu)) === 0) throw programError(`vCPU ${vcpu} does not take part in its own run`);

  const { operations } = program;
  const placed = layOut(program);
  const bytes = new Uint8Array(placed.programBytes);
  const view = new DataView(bytes.buffer);
  const payloadStart = PROGRAM_HEADER.size + operations.length * OPERATION.size;

  operations.forEach((operation, index) => {
    const payloadOffset = placed.payloadOffsets[index] ?? 0;
    const { size = 0, flags = 0, inner = 0, count = 0, a = 0, b = 0, c = 0 } = operands(operation, payloadOffset);
    const record = new StructView(OPERATION, view, PROGRAM_HEADER.size + index * OPERATION.size);
    record.set('opcode', OPCODE[operation.op]);
    record.set('size', size);
    record.set('flags', flags);
    record.set('inner', inner);
    record.set('count', count);
    record.set('a', a);
    record.set('b', b);
    record.set('c', c);
    if (operation.op === 'write') bytes.set(operation.bytes, payloadStart + payloadOffset);
    if (operation.op === 'raw') writeRaw(bytes, view, payloadStart + payloadOffset, operation);
  });

  const header = new StructView(PROGRAM_HEADER, view, 0);
  header.set('magic', MAGIC.program);
  header.set('format', formatDigest);
  header.set('sequence', sequence);
  header.set('vcpu', vcpu);
  header.set('participants', participants);
  header.set('operationCount', operations.length);
  header.set('payloadBytes', bytes.length - payloadStart);
  const checksumAt = header.position('checksum');
  const sum = checksum(view, 0, checksumAt);
  header.set('checksum', checksum(view, PROGRAM_HEADER.size, bytes.length - PROGRAM_HEADER.size, sum));
  return bytes;
}
