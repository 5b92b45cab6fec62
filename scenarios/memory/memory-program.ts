import { expect, ProgramBuilder, type ProgramResults } from 'ioreqlab/scenario';
import { PlainMemory } from './plain-memory.ts';

type Size = 1 | 2 | 4 | 8;

/** A program whose loads have to give what plain memory would. */
export class MemoryProgram {
  readonly memory: PlainMemory;
  readonly #program = new ProgramBuilder();
  readonly #wanted: { readonly index: number; readonly what: string; readonly value: bigint }[] = [];
  #count = 0;

  constructor(memory = new PlainMemory()) {
    this.memory = memory;
  }

  /** One operation, and what it does to plain memory. */
  add(build: (program: ProgramBuilder) => ProgramBuilder, change?: (memory: PlainMemory) => void): this {
    build(this.#program);
    this.#count++;
    change?.(this.memory);
    return this;
  }

  /** An operation after which RAX has to hold this. */
  expecting(what: string, value: bigint, build: (program: ProgramBuilder) => ProgramBuilder): this {
    this.#wanted.push({ index: this.#count, what, value });
    return this.add(build);
  }

  store(at: bigint, size: Size, value: bigint): this {
    const fitting = BigInt.asUintN(8 * size, value);
    return this.add(
      (program) => program.store(at, size, fitting),
      (memory) => memory.store(at, size, fitting),
    );
  }

  load(at: bigint, size: Size): this {
    const value = this.memory.load(at, size);
    return this.expecting(`${size} at 0x${at.toString(16)}`, value, (program) => program.load(at, size));
  }

  build() {
    return this.#program.build();
  }

  /** Fails when an operation gave something else. */
  check({ results }: ProgramResults): void {
    const text = (value: bigint | undefined): string => (value === undefined ? 'nothing' : `0x${value.toString(16)}`);
    const seen = this.#wanted.map(({ index, what }) => {
      const result = results[index];
      return `${what}: ${text(result?.registers?.gpr.rax ?? result?.rax)}`;
    });
    expect(this.#wanted.length).toBeGreaterThan(0);
    expect(seen).toEqual(this.#wanted.map(({ what, value }) => `${what}: ${text(value)}`));
  }
}
