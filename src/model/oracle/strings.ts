import { subtract } from './arithmetic.ts';
import { toBytes, toValue } from './bytes.ts';
import { flag, getGpr, setGpr, type Cpu } from './cpu.ts';
import { Emulation, maxRepetitions, type Done } from './emulation.ts';
import type { Instruction, Outcome } from './instruction.ts';
import type { OracleRules } from './rules.ts';
import { isAllRam, readAllRam, writeAllRam, type World } from './world.ts';

/** A string instruction. */
export type StringInstruction = Extract<Instruction, { readonly repeat: unknown }>;

/**
 * Executes one, with all its repetitions.
 *
 * @returns what became of it when Xen gave up; the registers say how far it came
 */
export function executeString(
  instruction: StringInstruction,
  cpu: Cpu,
  world: World,
  rules: OracleRules,
): Outcome | undefined {
  const { kind, size, repeat, isNarrow = false } = instruction;
  /** Bytes of the registers that take part. */
  const width = isNarrow ? 4 : 8;
  for (;;) {
    const left = getGpr(cpu, 'rcx', width);
    if (repeat !== 'none' && left === 0n) return undefined;
    const reps = repeat === 'none' ? 1 : Number(left > maxRepetitions ? maxRepetitions : left);
    const step = new Step(cpu, world, rules, size, width);
    const done = step[kind](reps);
    if (!done.isHandled) return step.givenUp;
    const moved = BigInt(done.count * size) * (step.backwards ? -1n : 1n);
    if (usesSource(kind)) setGpr(cpu, 'rsi', width, cpu.gpr.rsi + moved);
    if (usesDestination(kind)) setGpr(cpu, 'rdi', width, cpu.gpr.rdi + moved);
    if (repeat === 'none') return undefined;
    setGpr(cpu, 'rcx', width, left - BigInt(done.count));
    const isComparing = kind === 'scas' || kind === 'cmps';
    if (isComparing && ((cpu.rflags & flag.zero) !== 0n) !== (repeat === 'rep')) return undefined;
  }
}

const usesSource = (kind: StringInstruction['kind']): boolean =>
  kind === 'outs' || kind === 'movs' || kind === 'lods' || kind === 'cmps';
const usesDestination = (kind: StringInstruction['kind']): boolean => kind !== 'outs' && kind !== 'lods';

const once: Done = { isHandled: true, count: 1 };
const givenUp: Done = { isHandled: false, count: 0 };

/**
 * The next repetitions: one by the processor itself where there is only RAM, else one pass through Xen's emulator, as
 * its string instructions in x86_emulate.c are. Each method returns how many were done.
 */
class Step {
  readonly #cpu: Cpu;
  readonly #world: World;
  readonly #size: number;
  readonly #emulation: Emulation;
  readonly backwards: boolean;

  /** RSI, or ESI. */
  readonly #source: bigint;
  /** RDI, or EDI. */
  readonly #destination: bigint;

  constructor(cpu: Cpu, world: World, rules: OracleRules, size: number, width: number) {
    this.#source = getGpr(cpu, 'rsi', width);
    this.#destination = getGpr(cpu, 'rdi', width);
    this.#cpu = cpu;
    this.#world = world;
    this.#size = size;
    this.#emulation = new Emulation(world, rules);
    this.backwards = (cpu.rflags & flag.direction) !== 0n;
  }

  get givenUp(): Outcome {
    return this.#emulation.givenUp;
  }

  /** Batched when there is more than one repetition and the data is RAM; else the port first, then memory. */
  ins(reps: number): Done {
    const port = this.#port;
    const rdi = this.#destination;
    if (reps > 1) {
      const done = this.#emulation.repeatPort(port, this.#size, true, this.backwards, rdi, reps);
      if (done.isHandled) return done;
    }
    const value = this.#emulation.readPort(port, this.#size);
    if (value === undefined) return givenUp;
    return this.#emulation.write(rdi, toBytes(value, this.#size)) ? once : givenUp;
  }

  outs(reps: number): Done {
    const port = this.#port;
    const rsi = this.#source;
    if (reps > 1) {
      const done = this.#emulation.repeatPort(port, this.#size, false, this.backwards, rsi, reps);
      if (done.isHandled) return done;
    }
    const bytes = this.#emulation.read(rsi, this.#size);
    if (bytes === undefined) return givenUp;
    return this.#emulation.writePort(port, this.#size, toValue(bytes)) ? once : givenUp;
  }

  movs(reps: number): Done {
    const rsi = this.#source;
    const rdi = this.#destination;
    if (this.#isRam(rsi) && this.#isRam(rdi)) {
      writeAllRam(this.#world, rdi, readAllRam(this.#world, rsi, this.#size));
      return once;
    }
    if (reps > 1) {
      const done = this.#emulation.repeatMove(this.#size, this.backwards, rsi, rdi, reps);
      if (done.isHandled) return done;
    }
    const bytes = this.#emulation.read(rsi, this.#size);
    return bytes !== undefined && this.#emulation.write(rdi, bytes) ? once : givenUp;
  }

  stos(reps: number): Done {
    const rdi = this.#destination;
    const value = getGpr(this.#cpu, 'rax', this.#size);
    if (this.#isRam(rdi)) {
      writeAllRam(this.#world, rdi, toBytes(value, this.#size));
      return once;
    }
    if (reps > 1) {
      const done = this.#emulation.repeatStore(this.#size, this.backwards, rdi, value, reps);
      if (done.isHandled) return done;
    }
    return this.#emulation.write(rdi, toBytes(value, this.#size)) ? once : givenUp;
  }

  lods(): Done {
    const value = this.#load(this.#source);
    if (value === undefined) return givenUp;
    setGpr(this.#cpu, 'rax', this.#size, value);
    return once;
  }

  scas(): Done {
    const value = this.#load(this.#destination);
    return value === undefined ? givenUp : this.#compare(getGpr(this.#cpu, 'rax', this.#size), value);
  }

  cmps(): Done {
    const source = this.#load(this.#source);
    const destination = source === undefined ? undefined : this.#load(this.#destination);
    return source === undefined || destination === undefined ? givenUp : this.#compare(source, destination);
  }

  get #port(): number {
    return Number(getGpr(this.#cpu, 'rdx', 2));
  }

  #isRam(address: bigint): boolean {
    return isAllRam(this.#world, address, this.#size);
  }

  #load(address: bigint): bigint | undefined {
    const bytes = this.#emulation.read(address, this.#size);
    return bytes === undefined ? undefined : toValue(bytes);
  }

  #compare(a: bigint, b: bigint): Done {
    this.#cpu.rflags = subtract(a, b, 0n, this.#size, this.#cpu.rflags).rflags;
    return once;
  }
}
