import { LabError } from '../../src/errors.ts';
import { formatDigest } from './c-header.ts';
import { checksum } from './checksum.ts';
import { hex } from './check-values.ts';
import { MAGIC, OPCODE, OUTCOME, RAW_OUTPUT, RESULT, RESULT_HEADER, STATUS } from './format.ts';
import { StructView } from './layout.ts';
import { GPR_NAMES, type GprName, type Operation, type Program } from './operation.ts';
import { dataBytes, layOut, VECTOR_STRIDE, type ProgramLayout } from './program-layout.ts';
import {
  EXCEPTION_NAMES,
  type Fault,
  type OperationResult,
  type ProgramResults,
  type RawRegisters,
} from './results.ts';

/** Which run the results must belong to. */
export interface ExpectedRun {
  /** Number of the run, as it was encoded. */
  readonly sequence: number;
  /** Default 0. */
  readonly vcpu?: number;
}

function guestError(code: string, message: string, next?: string): LabError {
  return new LabError(message, { blame: 'guest', code, ...(next === undefined ? {} : { next }) });
}

const invalid = (message: string): LabError => guestError('GUEST_RESULTS_INVALID', `results: ${message}`);

/** Bytes of the result region that {@link decodeResults} needs, from `WINDOW.resultOffset` on. */
export function resultBytes(program: Program): number {
  return layOut(program).resultBytes;
}

function checkEqual(what: string, found: number, expected: number): void {
  if (found !== expected) throw invalid(`${what} is ${hex(found)}, expected ${hex(expected)}`);
}

const statusNames = new Map<number, string>(Object.entries(STATUS).map(([name, value]) => [value, name]));

function checkHeader(header: StructView<keyof typeof RESULT_HEADER.fields>, expected: ExpectedRun): void {
  checkEqual('magic', header.get('magic'), MAGIC.result);
  if (header.get('format') !== formatDigest)
    throw guestError(
      'GUEST_FORMAT',
      `the guest was built for program format ${hex(header.get('format'))}, this is ${hex(formatDigest)}`,
      'make -C guests/workload',
    );
  checkEqual('sequence', header.get('sequence'), expected.sequence);
  checkEqual('vcpu', header.get('vcpu'), expected.vcpu ?? 0);
}

function checkStatus(header: StructView<keyof typeof RESULT_HEADER.fields>): void {
  const status = header.get('status');
  if (status === STATUS.ok) return;
  const detail = header.get('detail');
  throw guestError(
    'GUEST_REFUSED_PROGRAM',
    `the guest refused the program: ${statusNames.get(status) ?? `status ${hex(status)}`}` +
      (detail === 0xffff_ffff ? '' : ` at operation ${detail}`),
  );
}

function decodeFault(record: StructView<keyof typeof RESULT.fields>): Fault {
  const vector = record.get('vector');
  return {
    vector,
    name: EXCEPTION_NAMES[vector] ?? `#${vector}`,
    errorCode: record.get('errorCode'),
    rip: record.getBig('rip'),
    address: record.getBig('cr2'),
  };
}

function decodeRegisters(bytes: Uint8Array, base: number, vectorBytes: number): RawRegisters {
  const raw = new StructView(RAW_OUTPUT, new DataView(bytes.buffer), base);
  const gpr = Object.fromEntries(GPR_NAMES.map((name, index) => [name, raw.getBig('gpr', index)]));
  const at = base + RAW_OUTPUT.size;
  const vectors =
    vectorBytes === 0
      ? []
      : Array.from({ length: 16 }, (_, n) => bytes.slice(at + n * VECTOR_STRIDE, at + n * VECTOR_STRIDE + vectorBytes));
  return { gpr: gpr as Record<GprName, bigint>, rflags: raw.getBig('rflags'), vectors };
}

/** The low bytes of RAX that an operation is about, at most four. */
function valueOf(operation: Operation, rax: bigint): number {
  const size = 'size' in operation ? Math.min(operation.size, 4) : 4;
  return Number(BigInt.asUintN(size * 8, rax));
}

/**
 * Starts and durations of turns, stored in pairs. Of a start only the low half is there: it is put behind the one before,
 * which is right unless a turn took 2^32 cycles.
 *
 * @param since the TSC before the first
 */
function decodeStamps(pairs: Uint32Array, since: bigint): Required<Pick<OperationResult, 'samples' | 'starts'>> {
  const samples = new Uint32Array(pairs.length / 2);
  const starts = new Float64Array(samples.length);
  let last = Number(since);
  for (let i = 0; i < samples.length; i++) {
    samples[i] = pairs[2 * i + 1] as number;
    last += ((pairs[2 * i] as number) - (last % 2 ** 32) + 2 ** 32) % 2 ** 32;
    starts[i] = last;
  }
  return { samples, starts };
}

function decodeData(
  operation: Operation,
  bytes: Uint8Array,
  at: number,
  samples: number,
  started: bigint,
  came: number,
): Pick<OperationResult, 'samples' | 'starts' | 'bytes' | 'registers'> {
  if (operation.op === 'sample') {
    const words = new Uint32Array(bytes.buffer, at, samples * (operation.stamps ? 2 : 1)).slice();
    return operation.stamps ? decodeStamps(words, started) : { samples: words };
  }
  if (operation.op === 'read') return { bytes: bytes.slice(at, at + operation.length) };
  if (operation.op === 'interrupts') return { bytes: bytes.slice(at, at + Math.min(came, operation.count)) };
  if (operation.op === 'raw') return { registers: decodeRegisters(bytes, at, operation.vectorBytes) };
  return {};
}

function decodeResult(
  bytes: Uint8Array,
  operation: Operation,
  index: number,
  placed: ProgramLayout,
  started: bigint,
): OperationResult {
  const record = new StructView(RESULT, new DataView(bytes.buffer), RESULT_HEADER.size + index * RESULT.size);
  const offset = placed.dataOffsets[index] ?? 0;
  const outcome = record.get('outcome');
  const samples = record.get('samples');
  checkEqual(`opcode of result ${index}`, record.get('opcode'), OPCODE[operation.op]);
  checkEqual(`data offset of result ${index}`, record.get('dataOffset'), offset);
  checkEqual(`data length of result ${index}`, record.get('dataBytes'), dataBytes(operation));
  const wanted = operation.op === 'sample' ? operation.count : 0;
  if (outcome > OUTCOME.timeout) throw invalid(`outcome of result ${index} is ${outcome}`);
  if (samples > wanted || (samples < wanted && outcome !== OUTCOME.fault))
    throw invalid(`result ${index} has ${samples} samples of ${wanted}`);

  const rax = record.getBig('rax');
  return {
    op: operation.op,
    value: valueOf(operation, rax),
    rax,
    rbx: record.getBig('rbx'),
    rcx: record.getBig('rcx'),
    rdx: record.getBig('rdx'),
    rsi: record.getBig('rsi'),
    rdi: record.getBig('rdi'),
    rflags: record.getBig('rflags'),
    cycles: Number(record.getBig('cycles')),
    ...(outcome === OUTCOME.fault ? { fault: decodeFault(record) } : {}),
    ...(outcome === OUTCOME.timeout ? { timedOut: true as const } : {}),
    ...decodeData(operation, bytes, placed.dataStart + offset, samples, started, Number(BigInt.asUintN(32, rax))),
  };
}

/**
 * Results of a run from the bytes at `WINDOW.resultOffset` of the vCPU's window (at least {@link resultBytes} of them).
 * They are copied first: the guest may go on writing. Throws a LabError with blame `guest` for anything that the guest
 * cannot have meant, and for a program that it refused; never anything else, whatever the bytes are.
 */
export function decodeResults(bytes: Uint8Array, program: Program, expected: ExpectedRun): ProgramResults {
  const placed = layOut(program);
  const copy = new Uint8Array(Math.min(bytes.length, placed.resultBytes));
  copy.set(bytes.subarray(0, copy.length));
  const view = new DataView(copy.buffer);
  if (copy.length < RESULT_HEADER.size) throw invalid(`only ${bytes.length} bytes`);

  const header = new StructView(RESULT_HEADER, view, 0);
  checkHeader(header, expected);
  const ok = header.get('status') === STATUS.ok;
  checkEqual('number of results', header.get('resultCount'), ok ? program.operations.length : 0);
  checkEqual('length of the data', header.get('dataBytes'), ok ? placed.dataBytes : 0);
  if (ok && copy.length < placed.resultBytes) throw invalid(`${bytes.length} bytes of ${placed.resultBytes}`);
  const covered = ok && program.operations.length > 0 ? placed.resultBytes - RESULT_HEADER.size : 0;
  const sum = checksum(view, 0, header.position('checksum'));
  checkEqual('checksum', header.get('checksum'), checksum(view, RESULT_HEADER.size, covered, sum));
  checkStatus(header);
  const started = header.getBig('started');
  return {
    vcpu: header.get('vcpu'),
    sequence: header.get('sequence'),
    started,
    ended: header.getBig('ended'),
    results: program.operations.map((operation, index) => decodeResult(copy, operation, index, placed, started)),
  };
}
