import {
  EXCEPTION_NAMES,
  type Operation,
  type OperationResult,
  type Program,
  type ProgramResults,
} from '../../../guests/program/index.ts';
import { isLabError, LabError } from '../../../src/errors.ts';
import { notOnModel, notOnModelCode } from '../../../src/model/in-process/not-on-model.ts';
import type { InProcess } from '../../../src/model/in-process/in-process.ts';
import { flag, makeCpu, type Cpu, type Gpr } from '../../../src/model/oracle/cpu.ts';
import type { Instruction, Outcome } from '../../../src/model/oracle/instruction.ts';

/** An operation that is one instruction: what `execute_instruction` of guests/workload/interpreter.c runs. */
type InstructionOperation = Extract<
  Operation,
  { op: 'in' | 'out' | 'load' | 'store' | 'ins' | 'outs' | 'movs' | 'stos' | 'lods' | 'scas' | 'cmps' }
>;

/**
 * Executes programs as the workload guest does, but on the model: instruction by instruction through the oracle, the
 * vCPUs taking turns after each operation. What only a processor can do (machine code, CPUID, time) is refused.
 */
export class ProgramRunner {
  readonly #guest: InProcess;
  readonly #onLimit: (error: LabError) => void;

  /** @param onLimit told of everything that the model cannot do, besides being thrown */
  constructor(guest: InProcess, onLimit: (error: LabError) => void) {
    this.#guest = guest;
    this.#onLimit = onLimit;
  }

  /** Runs one program per vCPU. Lets others of this thread have a turn after each operation. */
  async run(programs: readonly Program[], sequence: number, signal?: AbortSignal): Promise<ProgramResults[]> {
    for (const { operations } of programs) for (const operation of operations) this.#check(operation);
    const vcpus = programs.map((program, vcpu) => ({ vcpu, program, results: [] as OperationResult[], barriers: 0 }));
    const isDone = ({ program, results }: (typeof vcpus)[number]): boolean =>
      results.length === program.operations.length;
    while (!vcpus.every(isDone)) {
      await new Promise((resolve) => void setImmediate(resolve));
      signal?.throwIfAborted();
      let hasMoved = false;
      for (const one of vcpus) {
        const operation = one.program.operations[one.results.length];
        if (operation === undefined) continue;
        if (operation.op === 'barrier') {
          // All others have come to this barrier, or have it behind them.
          const isMet = vcpus.every(({ program, results, barriers }) => {
            const next = program.operations[results.length];
            return barriers > one.barriers || (barriers === one.barriers && next?.op === 'barrier');
          });
          if (!isMet) continue;
        }
        hasMoved = true;
        one.results.push(this.#operate(one.vcpu, operation));
        if (operation.op === 'barrier') one.barriers++;
      }
      // Nobody can go on: the barriers wait for those that have come to their end.
      for (const one of hasMoved ? [] : vcpus.filter((vcpu) => !isDone(vcpu))) {
        one.results.push({ ...this.#report({ op: 'barrier', timeoutCycles: 0n }, makeCpu()), timedOut: true });
        one.barriers++;
      }
    }
    return vcpus.map(({ vcpu, results }) => ({ vcpu, sequence, started: 0n, ended: 0n, results }));
  }

  #check({ op }: Operation): void {
    if (op === 'raw') throw this.#limit('machine code (raw)');
    if (op === 'sample') throw this.#limit('measuring (sample)');
    if (op === 'cpuid' || op === 'rdtsc') throw this.#limit(`the processor's own instructions (${op})`);
  }

  #limit(what: string): LabError {
    const error = notOnModel(what);
    this.#onLimit(error);
    return error;
  }

  #operate(vcpu: number, operation: Operation): OperationResult {
    switch (operation.op) {
      case 'barrier':
        return this.#report(operation, makeCpu());
      case 'fill':
        this.#guest.memory.writeBytes(Number(operation.address), new Uint8Array(operation.length).fill(operation.byte));
        return this.#report(operation, makeCpu());
      case 'write':
        this.#guest.memory.writeBytes(Number(operation.address), operation.bytes);
        return this.#report(operation, makeCpu());
      case 'read': {
        const bytes = this.#guest.memory.readBytes(Number(operation.address), operation.length);
        return { ...this.#report(operation, makeCpu()), bytes };
      }
      case 'crash':
        throw crashed('a triple fault');
      case 'raw':
      case 'sample':
      case 'cpuid':
      case 'rdtsc':
        throw this.#limit(operation.op);
      default: {
        const cpu = cpuFor(operation);
        const outcome = this.#step(vcpu, cpu, operation);
        if (outcome.kind === 'crash') throw crashed(outcome.reason);
        return this.#report(operation, cpu, outcome);
      }
    }
  }

  #step(vcpu: number, cpu: Cpu, operation: InstructionOperation): Outcome {
    try {
      return this.#guest.execute(vcpu, cpu, instructionOf(operation));
    } catch (error) {
      if (isLabError(error) && error.code === notOnModelCode) this.#onLimit(error);
      throw error;
    }
  }

  #report(operation: Operation, { gpr, rflags }: Cpu, outcome?: Outcome): OperationResult {
    const size = 'size' in operation ? Math.min(operation.size, 4) : 4;
    const { rax, rbx, rcx, rdx, rsi, rdi } = gpr;
    const result = {
      op: operation.op,
      value: Number(BigInt.asUintN(8 * size, rax)),
      ...{ rax, rbx, rcx, rdx, rsi, rdi, rflags },
      ...(outcome?.kind === 'fault' ? { fault: faultOf(outcome) } : {}),
    };
    // There is no such figure; and one that was made up would be a result.
    Object.defineProperty(result, 'cycles', {
      get: () => {
        throw this.#limit('the cycles of an operation');
      },
    });
    return result as typeof result & { readonly cycles: number };
  }
}

function faultOf({ vector, errorCode }: Extract<Outcome, { kind: 'fault' }>): NonNullable<OperationResult['fault']> {
  // No instruction of the guest's lies anywhere.
  return { vector, name: EXCEPTION_NAMES[vector] ?? `#${vector}`, errorCode, rip: 0n, address: 0n };
}

function crashed(reason: string): LabError {
  return new LabError(`the guest is gone: ${reason}`, { blame: 'guest', code: 'GUEST_GONE' });
}

/** The registers that an operation starts with: set_registers of guests/workload/interpreter.c. */
function cpuFor(operation: InstructionOperation): Cpu {
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

function instructionOf(operation: InstructionOperation): Instruction {
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
