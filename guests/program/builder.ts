import { checkOperation } from './check-operation.ts';
import { checkSize, checkUnsigned } from './check-values.ts';
import type {
  InsOptions,
  LodsOptions,
  MovsOptions,
  OutsOptions,
  Quantity,
  RawOptions,
  StosOptions,
  StringOptions,
} from './builder-options.ts';
import type {
  GprName,
  InterruptsOperation,
  MemorySize,
  Operation,
  PortSize,
  Program,
  SampledOperation,
} from './operation.ts';
import { layOut } from './program-layout.ts';
import { Sampled } from './sampled.ts';

/** What a barrier waits at most by default: seconds on any machine. */
const BARRIER_TIMEOUT_CYCLES = 20_000_000_000n;

/** What is waited for an interrupt by default: long for one that comes, short for one that does not. */
const INTERRUPT_TIMEOUT_CYCLES = 20_000_000n;

const address = (value: Quantity): bigint => checkUnsigned('address', value, 8);
const register = (value: Quantity): bigint => checkUnsigned('register', value, 8);

function common({ backward = false, count = 1, repeat = 'none' }: StringOptions) {
  return { backward, count, repeat };
}

/**
 * Builds an access program, an operation at a time. Each method checks its arguments (LabError with blame `scenario`,
 * code PROGRAM_INVALID) and returns the builder.
 *
 * @example
 * ```ts
 * import { ProgramBuilder } from 'ioreqlab/program';
 *
 * export const program = new ProgramBuilder().out(0x5000, 4, 0xdeadbeef).in(0x5000, 4).build();
 * ```
 */
export class ProgramBuilder {
  readonly #operations: Operation[] = [];

  /** Adds an operation that was made elsewhere. */
  add(operation: Operation): this {
    checkOperation(operation);
    this.#operations.push(Object.freeze({ ...operation }));
    return this;
  }

  /** IN. `rax`: the register before, so that what the instruction leaves of it can be seen. */
  in(port: number, size: PortSize, { rax = 0 }: { readonly rax?: Quantity } = {}): this {
    return this.add(Sampled.in(port, size, rax));
  }

  /** OUT of `value`, which fits in `size` bytes. `rax`: the rest of the register. */
  out(port: number, size: PortSize, value: Quantity, { rax = 0 }: { readonly rax?: Quantity } = {}): this {
    return this.add(Sampled.out(port, size, value, rax));
  }

  /** MOV from memory to AL, AX, EAX or RAX. */
  load(at: Quantity, size: MemorySize, { rax = 0 }: { readonly rax?: Quantity } = {}): this {
    return this.add(Sampled.load(at, size, rax));
  }

  /** MOV of `value`, which fits in `size` bytes, to memory. `rax`: the rest of the register. */
  store(at: Quantity, size: MemorySize, value: Quantity, { rax = 0 }: { readonly rax?: Quantity } = {}): this {
    return this.add(Sampled.store(at, size, value, rax));
  }

  /** INS, once or repeated. */
  ins(options: InsOptions): this {
    const { port, size, destination } = options;
    return this.add({ op: 'ins', ...common(options), size, port, destination: address(destination) });
  }

  /** OUTS, once or repeated. */
  outs(options: OutsOptions): this {
    const { port, size, source } = options;
    return this.add({ op: 'outs', ...common(options), size, port, source: address(source) });
  }

  /** MOVS, once or repeated. */
  movs(options: MovsOptions): this {
    const { size, source, destination } = options;
    return this.add({
      op: 'movs',
      ...common(options),
      size,
      source: address(source),
      destination: address(destination),
    });
  }

  /** STOS, once or repeated. */
  stos(options: StosOptions): this {
    const { size, destination, value } = options;
    checkSize('size of stos', size, [1, 2, 4, 8]);
    return this.add({
      op: 'stos',
      ...common(options),
      size,
      destination: address(destination),
      rax: checkUnsigned('value of stos', value, size),
    });
  }

  /** LODS, once or repeated. */
  lods(options: LodsOptions): this {
    const { size, source, rax = 0 } = options;
    return this.add({ op: 'lods', ...common(options), size, source: address(source), rax: register(rax) });
  }

  /** SCAS, once or repeated (`repeat: 'rep'` is REPE). */
  scas(options: StosOptions): this {
    const { size, destination, value } = options;
    return this.add({
      op: 'scas',
      ...common(options),
      size,
      destination: address(destination),
      rax: register(value),
    });
  }

  /** CMPS, once or repeated (`repeat: 'rep'` is REPE). */
  cmps(options: MovsOptions): this {
    const { size, source, destination } = options;
    return this.add({
      op: 'cmps',
      ...common(options),
      size,
      source: address(source),
      destination: address(destination),
    });
  }

  /** REP INS. */
  repIns(options: InsOptions): this {
    return this.ins({ ...options, repeat: 'rep' });
  }

  /** REP OUTS. */
  repOuts(options: OutsOptions): this {
    return this.outs({ ...options, repeat: 'rep' });
  }

  /** REP MOVS. */
  repMovs(options: MovsOptions): this {
    return this.movs({ ...options, repeat: 'rep' });
  }

  /** REP STOS. */
  repStos(options: StosOptions): this {
    return this.stos({ ...options, repeat: 'rep' });
  }

  /** CPUID: the result's rax, rbx, rcx, rdx. */
  cpuid(leaf: number, subleaf = 0): this {
    return this.add(Sampled.cpuid(leaf, subleaf));
  }

  /** RDTSC: the result's rdx and rax. */
  rdtsc(): this {
    return this.add(Sampled.rdtsc());
  }

  /** Waits until every participant of the run has come to its barrier of the same number. */
  barrier({ timeoutCycles = BARRIER_TIMEOUT_CYCLES }: { readonly timeoutCycles?: Quantity } = {}): this {
    return this.add({ op: 'barrier', timeoutCycles: checkUnsigned('timeoutCycles', timeoutCycles, 8) });
  }

  /** Sets bytes of scratch memory ({@link SCRATCH}). */
  fill(at: Quantity, length: number, byte: number): this {
    return this.add({ op: 'fill', address: address(at), length, byte });
  }

  /** Puts bytes into scratch memory. */
  write(at: Quantity, bytes: Uint8Array): this {
    return this.add({ op: 'write', address: address(at), bytes: bytes.slice() });
  }

  /** Reports bytes of scratch memory in the result's `bytes`. */
  read(at: Quantity, length: number): this {
    return this.add({ op: 'read', address: address(at), length });
  }

  /** Executes machine code with all registers given; the result's `registers` has them afterwards. */
  raw(code: Uint8Array, { registers = {}, rflags = 0, vectorBytes = 0, vectors = {} }: RawOptions = {}): this {
    const big = Object.entries(registers).map(([name, value]) => [name, checkUnsigned(name, value, 8)]);
    return this.add({
      op: 'raw',
      code: code.slice(),
      registers: Object.fromEntries(big) as Partial<Record<GprName, bigint>>,
      rflags: register(rflags),
      vectorBytes,
      vectors,
    });
  }

  /**
   * Repeats one operation `warmup + count` times and reports the duration of each of the last `count`.
   * The loop is the same code whatever else is in the program; `op.rdtsc()` is the empty loop. With `stamps` it reports
   * when each of them began, too.
   *
   * @example
   * ```ts
   * import { ProgramBuilder } from 'ioreqlab/program';
   *
   * export const timed = new ProgramBuilder().sample({ warmup: 500, count: 10_000 }, (op) => op.in(0x5000, 4)).build();
   * ```
   */
  sample(
    {
      warmup = 0,
      count,
      stamps = false,
    }: { readonly warmup?: number; readonly count: number; readonly stamps?: boolean },
    choose: (op: typeof Sampled) => SampledOperation,
  ): this {
    return this.add({ op: 'sample', inner: Object.freeze(choose(Sampled)), warmup, count, stamps });
  }

  /**
   * Lets interrupts come until `count` of them have, or the time is over: the result's `value` is their number, its `bytes`
   * their vectors in order. Everywhere else they stay off. A handler writes its vector to the port `acknowledge`, if there is
   * one, and then tells whom `end` names. Controllers are the program's to set up.
   */
  interrupts({
    count = 1,
    timeoutCycles = INTERRUPT_TIMEOUT_CYCLES,
    acknowledge,
    end = 'apic',
  }: {
    readonly count?: number;
    readonly timeoutCycles?: Quantity;
    readonly acknowledge?: number;
    readonly end?: InterruptsOperation['end'];
  } = {}): this {
    return this.add({
      ...{ op: 'interrupts', count, timeoutCycles: checkUnsigned('timeoutCycles', timeoutCycles, 8), end },
      ...(acknowledge === undefined ? {} : { acknowledge }),
    });
  }

  /** Triple-faults the guest: nothing after it happens. */
  crash(): this {
    return this.add({ op: 'crash' });
  }

  /** The program so far. Throws when it, or what it would report, does not fit in a window. */
  build(): Program {
    const program: Program = Object.freeze({ operations: Object.freeze([...this.#operations]) });
    layOut(program);
    return program;
  }
}
