import {
  operationToText,
  type InterruptsOperation,
  type Operation,
  type OperationResult,
  type Program,
  type RawOperation,
} from '../../guests/program/index.ts';
import type { OracleStep, SeenState } from '../../src/model/oracle/check-trace.ts';
import { makeCpu } from '../../src/model/oracle/cpu.ts';
import { cpuOf, instructionOf, rawCpuOf } from './instruction-of.ts';

/** Vector of the page fault: the guest maps no more than it has to, and the oracle knows no page tables. */
const pageFault = 14;

/**
 * The operations of a program, as the oracle takes them, with what they gave.
 *
 * @param results missing: it was not run yet
 */
export function stepsOf({ operations }: Program, results: readonly OperationResult[] | undefined): OracleStep[] {
  return operations.flatMap((operation, i) => {
    const result = results?.[i];
    if (results !== undefined && (result === undefined || result.fault?.vector === pageFault)) return [];
    if (operation.op === 'interrupts') return handlersOf(operation, result).map((step) => ({ ...step, operation: i }));
    const step = stepOf(operation, result);
    return step === undefined ? [] : [{ ...step, operation: i }];
  });
}

/** What each handler wrote to its port. */
function handlersOf(operation: InterruptsOperation, result: OperationResult | undefined): OracleStep[] {
  const { acknowledge: port } = operation;
  if (port === undefined) return [];
  return [...(result?.bytes ?? [])].map((vector) => ({
    label: `${operationToText(operation)}: handler of vector 0x${vector.toString(16)}`,
    kind: 'instruction',
    instruction: { kind: 'out', size: 4, port },
    cpu: makeCpu({ rax: BigInt(vector), rdx: BigInt(port) }),
  }));
}

function stepOf(operation: Operation, result: OperationResult | undefined): OracleStep | undefined {
  const label = operationToText(operation);
  switch (operation.op) {
    case 'cpuid':
    case 'rdtsc':
    case 'barrier':
    case 'interrupts':
    case 'crash':
      return undefined;
    case 'fill': {
      const bytes = new Uint8Array(operation.length).fill(operation.byte);
      return { label, kind: 'write', address: operation.address, bytes };
    }
    case 'write':
      return { label, kind: 'write', address: operation.address, bytes: operation.bytes };
    case 'read':
      return { label, kind: 'read', address: operation.address, bytes: result?.bytes ?? new Uint8Array() };
    case 'sample': {
      const { inner } = operation;
      if (inner.op === 'cpuid' || inner.op === 'rdtsc') return undefined;
      const times = operation.warmup + (result === undefined ? operation.count : (result.samples?.length ?? 0));
      return { label, kind: 'instruction', instruction: instructionOf(inner), cpu: cpuOf(inner), times };
    }
    case 'raw': {
      // What a hypercall makes of the guest's memory the oracle does not know; it makes no access.
      if (isHypercall(operation.code)) return undefined;
      const cpu = rawCpuOf(operation);
      const given = result === undefined ? {} : { seen: rawSeen(operation, result) };
      return { label, kind: 'instruction', instruction: operation.code, cpu, ...given };
    }
    default: {
      const given = result === undefined ? {} : { seen: seen(result) };
      return { label, kind: 'instruction', instruction: instructionOf(operation), cpu: cpuOf(operation), ...given };
    }
  }
}

/** VMCALL, VMMCALL, and nothing else. */
function isHypercall(code: Uint8Array): boolean {
  return ['0f01c1', '0f01d9'].includes(Buffer.from(code).toString('hex'));
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
