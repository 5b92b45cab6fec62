import {
  EXCEPTION_NAMES,
  operationToText,
  type Operation,
  type OperationResult,
  type Program,
  type ProgramResults,
  type RawOperation,
} from '../../../guests/program/index.ts';
import { isLabError, LabError } from '../../../src/errors.ts';
import { notOnModel, notOnModelCode } from '../../../src/model/in-process/not-on-model.ts';
import type { InProcess } from '../../../src/model/in-process/in-process.ts';
import { makeCpu, type Cpu } from '../../../src/model/oracle/cpu.ts';
import { decode } from '../../../src/model/oracle/decode.ts';
import type { Instruction, Outcome } from '../../../src/model/oracle/instruction.ts';
import { cpuOf, instructionOf, rawCpuOf } from '../../oracle/instruction-of.ts';

/**
 * Executes programs as the workload guest does, but on the model: instruction by instruction through the oracle, the
 * vCPUs taking turns after each operation. What only a processor can do (CPUID, time, machine code that is more than
 * accesses) is refused.
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
    if (op === 'sample') throw this.#limit('measuring (sample)');
    if (op === 'interrupts') throw this.#limit('interrupts (interrupts)');
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
        return this.#runCode(vcpu, operation);
      case 'sample':
      case 'cpuid':
      case 'rdtsc':
      case 'interrupts':
        throw this.#limit(operation.op);
      default: {
        const cpu = cpuOf(operation);
        const outcome = this.#step(vcpu, cpu, instructionOf(operation));
        check(outcome);
        return this.#report(operation, cpu, outcome);
      }
    }
  }

  #step(vcpu: number, cpu: Cpu, instruction: Instruction): Outcome {
    try {
      return this.#guest.execute(vcpu, cpu, instruction);
    } catch (error) {
      if (isLabError(error) && error.code === notOnModelCode) this.#onLimit(error);
      throw error;
    }
  }

  /** Machine code, as far as the oracle knows it. */
  #runCode(vcpu: number, operation: RawOperation): OperationResult {
    const { code, vectorBytes } = operation;
    const cpu = rawCpuOf(operation);
    let outcome: Outcome | undefined;
    for (let at = 0; at < code.length && outcome?.kind !== 'fault';) {
      const decoded = decode(code, at, cpu);
      if (decoded === undefined) throw this.#limit(`this machine code (${operationToText(operation)})`);
      outcome = this.#step(vcpu, cpu, decoded.instruction);
      check(outcome);
      at = decoded.next;
    }
    const vectors = vectorBytes === 0 ? [] : cpu.vectors.map((vector) => vector.slice(0, vectorBytes));
    const registers = { gpr: cpu.gpr, rflags: cpu.rflags, vectors };
    return Object.assign(this.#report(operation, cpu, outcome), { registers });
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

/** What ends a guest. */
function check(outcome: Outcome): void {
  if (outcome.kind === 'crash') throw crashed(outcome.reason);
  if (outcome.kind !== 'livelock') return;
  throw new LabError('the guest executes one instruction for ever: Xen gives it up after each answer', {
    blame: 'guest',
    code: 'GUEST_LIVELOCK',
  });
}

function crashed(reason: string): LabError {
  return new LabError(`the guest is gone: ${reason}`, { blame: 'guest', code: 'GUEST_GONE' });
}
