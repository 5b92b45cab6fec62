import type { Operation, RawOperation } from '../../guests/program/index.ts';
import type { Gpr } from '../../src/abi/registers.ts';
import { flag, makeCpu, type Cpu } from '../../src/model/oracle/cpu.ts';
import type { Instruction } from '../../src/model/oracle/instruction.ts';

/** An operation that is one instruction with an access: what `set_registers` of guests/workload/interpreter.c serves. */
export type AccessOperation = Extract<
  Operation,
  { op: 'in' | 'out' | 'load' | 'store' | 'ins' | 'outs' | 'movs' | 'stos' | 'lods' | 'scas' | 'cmps' }
>;

/** The registers that an operation starts with: set_registers of guests/workload/interpreter.c. */
export function cpuOf(operation: AccessOperation): Cpu {
  const gpr: Partial<Record<Gpr, bigint>> = {};
  if ('count' in operation) gpr.rcx = BigInt(operation.count);
  if ('port' in operation) gpr.rdx = BigInt(operation.port);
  if ('rax' in operation) gpr.rax = operation.rax;
  if ('source' in operation) gpr.rsi = operation.source;
  if ('destination' in operation) gpr.rdi = operation.destination;
  if (operation.op === 'load') gpr.rsi = operation.address;
  if (operation.op === 'store') gpr.rdi = operation.address;
  return makeCpu(gpr, 'backward' in operation && operation.backward ? flag.direction : 0n);
}

/** Its instruction: instructions.S of guests/workload. */
export function instructionOf(operation: AccessOperation): Instruction {
  switch (operation.op) {
    case 'in':
    case 'out':
      return { kind: operation.op, size: operation.size, port: operation.port };
    case 'load':
      return { kind: 'load', size: operation.size, address: operation.address, register: 'rax' };
    case 'store':
      return { kind: 'store', size: operation.size, address: operation.address, source: { register: 'rax' } };
    case 'ins':
    case 'outs':
      return { kind: operation.op, size: operation.size, repeat: operation.repeat };
    default:
      return { kind: operation.op, size: operation.size, repeat: operation.repeat };
  }
}

/** A place for the guest's own stack, whose address only the guest knows. */
const ownStack = 0xff_0000n;

/** The registers that a raw operation starts with: raw_run of guests/workload/raw.c. */
export function rawCpuOf({ registers, rflags, vectorBytes, vectors }: RawOperation): Cpu {
  const cpu = makeCpu(registers, rflags);
  if (cpu.gpr.rsp === 0n) cpu.gpr.rsp = ownStack;
  if (vectorBytes !== 0) cpu.vectors.forEach((vector, i) => vector.set(vectors[i] ?? []));
  return cpu;
}
