import {
  operationToText,
  type Operation,
  type OperationResult,
  type Program,
  type RawOperation,
} from '../../guests/program/index.ts';
import type { OracleStep, SeenState } from '../../src/model/oracle/check-trace.ts';
import { cpuOf, instructionOf, rawCpuOf } from './instruction-of.ts';

/** Vector of the page fault: the guest maps no more than it has to, and the oracle knows no page tables. */
const pageFault = 14;

/** The operations of a program that was run, and what they gave, as the oracle takes them. */
export function stepsOf({ operations }: Program, results: readonly OperationResult[]): OracleStep[] {
  return operations.flatMap((operation, i) => {
    const result = results[i];
    return result === undefined || result.fault?.vector === pageFault ? [] : stepOf(operation, result);
  });
}

function stepOf(operation: Operation, result: OperationResult): OracleStep[] {
  const label = operationToText(operation);
  switch (operation.op) {
    case 'cpuid':
    case 'rdtsc':
    case 'barrier':
    case 'crash':
      return [];
    case 'fill': {
      const bytes = new Uint8Array(operation.length).fill(operation.byte);
      return [{ label, kind: 'write', address: operation.address, bytes }];
    }
    case 'write':
      return [{ label, kind: 'write', address: operation.address, bytes: operation.bytes }];
    case 'read':
      return [{ label, kind: 'read', address: operation.address, bytes: result.bytes ?? new Uint8Array() }];
    case 'sample': {
      const { inner } = operation;
      if (inner.op === 'cpuid' || inner.op === 'rdtsc') return [];
      const times = operation.warmup + (result.samples?.length ?? 0);
      return [{ label, kind: 'instruction', instruction: instructionOf(inner), cpu: cpuOf(inner), times }];
    }
    case 'raw':
      return [
        {
          label,
          kind: 'instruction',
          instruction: operation.code,
          cpu: rawCpuOf(operation),
          seen: rawSeen(operation, result),
        },
      ];
    default:
      return [
        {
          label,
          kind: 'instruction',
          instruction: instructionOf(operation),
          cpu: cpuOf(operation),
          seen: seen(result),
        },
      ];
  }
}

function seen({ rax, rbx, rcx, rdx, rsi, rdi, rflags, fault }: OperationResult): SeenState {
  return { gpr: { rax, rbx, rcx, rdx, rsi, rdi }, rflags, ...(fault === undefined ? {} : { fault }) };
}

function rawSeen({ registers: given }: RawOperation, { registers, fault }: OperationResult): SeenState {
  if (registers === undefined) return { gpr: {} };
  const { rsp, ...others } = registers.gpr;
  // Where the guest's own stack is, is the guest's affair.
  const gpr = (given.rsp ?? 0n) === 0n ? others : { ...others, rsp };
  return { gpr, rflags: registers.rflags, vectors: registers.vectors, ...(fault === undefined ? {} : { fault }) };
}
