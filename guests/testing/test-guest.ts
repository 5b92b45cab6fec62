import { isLabError } from '../../src/errors.ts';
import {
  BOOT_RECORD_BYTES,
  CONTROL_PORT,
  decodeBootRecord,
  decodeResults,
  encodeProgram,
  MEMORY,
  ProgramBuilder,
  resultBytes,
  WINDOW,
  windowAddress,
  type BootRecord,
  type OperationResult,
  type Program,
  type ProgramResults,
} from '../program/index.ts';
import { PROGRAM_HEADER, RESULT_HEADER } from '../program/format.ts';
import { TestMachine, type TestMachineOptions } from './test-machine.ts';

/** A running workload guest that executes programs. */
export class TestGuest implements AsyncDisposable {
  readonly machine: TestMachine;
  readonly boot: BootRecord;
  #sequence = 0;

  private constructor(machine: TestMachine, boot: BootRecord) {
    this.machine = machine;
    this.boot = boot;
  }

  /**
   * Starts a guest and waits for its vCPUs. Stands in for the control server: isa-debug-exit answers every read of the
   * control port with 0 (`CONTROL.runIfNew`), so that the guest looks at its windows until it finds a new sequence.
   */
  static async start({ vcpus = 1, arguments: further = [] }: TestMachineOptions = {}): Promise<TestGuest> {
    const standIn = ['-device', `isa-debug-exit,iobase=${CONTROL_PORT},iosize=4`];
    const machine = TestMachine.start({ vcpus, arguments: [...standIn, ...further] });
    try {
      const boot = await machine.until(`boot of ${vcpus} vCPUs`, () => {
        const record = readBootRecord(machine);
        return record?.vcpus.length === vcpus ? record : undefined;
      });
      return new TestGuest(machine, boot);
    } catch (error) {
      await machine[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Builds a program, runs it on vCPU 0. */
  async run(build: (program: ProgramBuilder) => ProgramBuilder): Promise<readonly OperationResult[]> {
    const program = build(new ProgramBuilder()).build();
    return (await this.runAll(new Map([[0, program]]))).get(0)?.results ?? [];
  }

  /** Runs programs on several vCPUs at once, as one run. */
  async runAll(programs: ReadonlyMap<number, Program>): Promise<ReadonlyMap<number, ProgramResults>> {
    const sequence = this.nextSequence();
    const participants = [...programs.keys()].reduce((mask, vcpu) => mask | (1 << vcpu), 0);
    for (const [vcpu, program] of programs)
      this.place(vcpu, encodeProgram(program, { sequence, vcpu, participants }), sequence);
    const seen = new Map<number, ProgramResults>();
    for (const [vcpu, program] of programs)
      seen.set(vcpu, decodeResults(await this.results(vcpu, sequence, program), program, { sequence, vcpu }));
    return seen;
  }

  /** A sequence that was not used yet. */
  nextSequence(): number {
    return ++this.#sequence;
  }

  /** Puts bytes into a window, the sequence last: the guest is watching it. */
  place(vcpu: number, bytes: Uint8Array, sequence: number): void {
    const at = windowAddress(vcpu) + WINDOW.programOffset;
    const { offset } = PROGRAM_HEADER.fields.sequence;
    this.machine.write(at, bytes.subarray(0, offset));
    this.machine.write(at + offset + 4, bytes.subarray(offset + 4));
    this.machine.write(at + offset, new Uint8Array(Uint32Array.of(sequence).buffer));
  }

  /** Waits for the results of a run and returns their bytes. */
  async results(vcpu: number, sequence: number, program: Program): Promise<Uint8Array> {
    const at = windowAddress(vcpu) + WINDOW.resultOffset;
    const { offset } = RESULT_HEADER.fields.sequence;
    await this.machine.until(`results of run ${sequence} on vCPU ${vcpu}`, () => {
      const [found] = new Uint32Array(this.machine.read(at + offset, 4).buffer);
      return found === sequence ? true : undefined;
    });
    return this.machine.read(at, resultBytes(program));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.machine[Symbol.asyncDispose]();
  }
}

/** The guest's boot record; undefined while there is none, or one that is just being written. */
export function readBootRecord(machine: TestMachine): BootRecord | undefined {
  try {
    return decodeBootRecord(machine.read(MEMORY.bootRecord, BOOT_RECORD_BYTES));
  } catch (error) {
    if (isLabError(error) || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
