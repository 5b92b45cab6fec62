import { programError } from './check-values.ts';
import {
  LIMIT,
  OPERATION,
  PROGRAM_HEADER,
  RAW_INPUT,
  RAW_OUTPUT,
  RESULT,
  RESULT_HEADER,
  VECTOR_FILE_BYTES,
  WINDOW,
} from './format.ts';
import type { Operation, Program } from './operation.ts';

const align = (value: number, to: number): number => Math.ceil(value / to) * to;

/** Bytes of an operation in the program's payload, a multiple of 8. */
export function payloadBytes(operation: Operation): number {
  if (operation.op === 'write') return align(operation.bytes.length, 8);
  if (operation.op === 'raw') return RAW_INPUT.size + (operation.vectorBytes === 0 ? 0 : VECTOR_FILE_BYTES);
  return 0;
}

/** Bytes of an operation's piece of the data area. */
export function dataBytes(operation: Operation): number {
  if (operation.op === 'read') return operation.length;
  if (operation.op === 'interrupts') return operation.count;
  if (operation.op === 'sample') return operation.count * (operation.stamps ? 8 : 4);
  if (operation.op === 'raw') return RAW_OUTPUT.size + (operation.vectorBytes === 0 ? 0 : VECTOR_FILE_BYTES);
  return 0;
}

/** Where everything of one program lies in the two regions of a window. */
export interface ProgramLayout {
  /** Bytes of header, operations and payload. */
  readonly programBytes: number;
  /** Offset of each operation's payload in the payload area. */
  readonly payloadOffsets: readonly number[];
  /** Offset of each result's piece of the data area. */
  readonly dataOffsets: readonly number[];
  /** Bytes of the data area. */
  readonly dataBytes: number;
  /** Offset of the data area in the result region. */
  readonly dataStart: number;
  /** Bytes of header, results and data. */
  readonly resultBytes: number;
}

/** Lays a program out. Throws a LabError (blame `scenario`) when it or its results do not fit in a window. */
export function layOut(program: Program): ProgramLayout {
  const { operations } = program;
  const payloadOffsets: number[] = [];
  const dataOffsets: number[] = [];
  let payload = 0;
  let data = 0;
  for (const operation of operations) {
    payloadOffsets.push(payload);
    dataOffsets.push(data);
    payload += payloadBytes(operation);
    data += align(dataBytes(operation), WINDOW.dataAlignment);
  }
  const programBytes = PROGRAM_HEADER.size + operations.length * OPERATION.size + payload;
  const dataStart = align(RESULT_HEADER.size + operations.length * RESULT.size, WINDOW.dataAlignment);
  const resultBytes = dataStart + data;
  if (programBytes > WINDOW.programSize)
    throw programError(`the program has ${programBytes} bytes, a window holds ${WINDOW.programSize}: split it`);
  if (resultBytes > WINDOW.resultSize)
    throw programError(`the program's results would have ${resultBytes} bytes, a window holds ${WINDOW.resultSize}`);
  return { programBytes, payloadOffsets, dataOffsets, dataBytes: data, dataStart, resultBytes };
}

/** Most samples that one program can ask for, in a single SAMPLE without stamps. */
export const MAX_SAMPLES =
  Math.floor(
    (WINDOW.resultSize - align(RESULT_HEADER.size + RESULT.size, WINDOW.dataAlignment)) / WINDOW.dataAlignment,
  ) *
  (WINDOW.dataAlignment / 4);

/** Bytes of one vector register in memory. */
export const VECTOR_STRIDE = LIMIT.vectorBytes;
