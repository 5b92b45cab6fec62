import { bitTest, countBits, logical, modify, subtract } from './arithmetic.ts';
import { toBytes, toValue } from './bytes.ts';
import { flag, getGpr, holds, setGpr, type Cpu } from './cpu.ts';
import { decode } from './decode.ts';
import { DomainCrash, Emulation } from './emulation.ts';
import { generalProtection, type Instruction, type Operand, type Outcome } from './instruction.ts';
import type { OracleRules } from './rules.ts';
import { executeString } from './strings.ts';
import { combineVector, maskedStore, moveVector } from './vectors.ts';
import type { World } from './world.ts';

const done: Outcome = { kind: 'done' };

type Of<Kind extends Instruction['kind']> = Extract<Instruction, { readonly kind: Kind }>;

/**
 * Executes one instruction as a vCPU under Xen does: the processor what it can, Xen's emulator the rest, each access to a
 * port or to MMIO a request to `world.send`, in their order. Synchronous: `send` answers at once.
 *
 * @returns how it ended; `cpu` is changed as far as the instruction came
 */
export function execute(instruction: Instruction, cpu: Cpu, world: World, rules: OracleRules): Outcome {
  try {
    return dispatch(instruction, cpu, world, rules);
  } catch (error) {
    if (error instanceof DomainCrash) return { kind: 'crash', reason: error.message };
    throw error;
  }
}

/**
 * Executes machine code from its first byte to its last, one instruction after the other, as {@link execute} does.
 *
 * @returns how it ended; undefined at an instruction that {@link decode} does not know: those before it were executed
 */
export function executeCode(code: Uint8Array, cpu: Cpu, world: World, rules: OracleRules): Outcome | undefined {
  let undefinedFlags = 0n;
  for (let at = 0; at < code.length;) {
    const decoded = decode(code, at, cpu);
    if (decoded === undefined) return undefined;
    const outcome = execute(decoded.instruction, cpu, world, rules);
    if (outcome.kind !== 'done') return outcome;
    undefinedFlags |= outcome.undefinedFlags ?? 0n;
    at = decoded.next;
  }
  return { kind: 'done', undefinedFlags };
}

function dispatch(instruction: Instruction, cpu: Cpu, world: World, rules: OracleRules): Outcome {
  const emulation = new Emulation(world, rules);
  switch (instruction.kind) {
    case 'in': {
      // handle_pio, without the emulator: what it cannot do crashes the domain.
      const value = emulation.readPort(instruction.port, instruction.size);
      if (value === undefined) return { kind: 'crash', reason: 'unexpected PIO status' };
      setGpr(cpu, 'rax', instruction.size, value);
      return done;
    }
    case 'out': {
      const { port, size } = instruction;
      const isHandled = emulation.writePort(port, size, getGpr(cpu, 'rax', size));
      return isHandled ? done : { kind: 'crash', reason: 'unexpected PIO status' };
    }
    case 'load':
      return load(instruction, cpu, emulation);
    case 'store': {
      const { address, size, source, isSwapped = false } = instruction;
      const bytes = toBytes(valueOf(cpu, source, size), size);
      return emulation.write(address, isSwapped ? bytes.reverse() : bytes) ? done : emulation.givenUp;
    }
    case 'loadIf': {
      const { address, size, register, condition } = instruction;
      const bytes = emulation.read(address, size);
      if (bytes === undefined) return emulation.givenUp;
      const isTaken = holds(condition, cpu.rflags);
      setGpr(cpu, register, size, isTaken ? toValue(bytes) : getGpr(cpu, register, size));
      return done;
    }
    case 'storeIf': {
      const byte = holds(instruction.condition, cpu.rflags) ? 1 : 0;
      return emulation.write(instruction.address, Uint8Array.of(byte)) ? done : emulation.givenUp;
    }
    case 'loadVector':
    case 'storeVector':
      return moveVector(instruction, cpu, emulation);
    case 'combineVector':
      return combineVector(instruction, cpu, emulation);
    case 'maskedStore':
      return maskedStore(instruction, cpu, emulation);
    case 'ins':
    case 'outs':
    case 'movs':
    case 'stos':
    case 'lods':
    case 'scas':
    case 'cmps':
      return executeString(instruction, cpu, world, rules) ?? done;
    case 'modify':
      return readModifyWrite(instruction, cpu, emulation);
    case 'test':
      return test(instruction, cpu, emulation);
    case 'combine':
      return combine(instruction, cpu, emulation);
    case 'compareExchange':
      return compareExchange(instruction, cpu, emulation);
    case 'compareExchangePair':
      return compareExchangePair(instruction, cpu, emulation);
    case 'count': {
      const { operation, size, address, register } = instruction;
      const bytes = emulation.read(address, size);
      if (bytes === undefined) return emulation.givenUp;
      const { value, rflags, undefinedFlags } = countBits(operation, toValue(bytes), size, cpu.rflags);
      if (value !== undefined) setGpr(cpu, register, size, value);
      cpu.rflags = rflags;
      return { kind: 'done', undefinedFlags };
    }
    case 'push':
    case 'pop':
    case 'pushValue':
    case 'popRegister':
    case 'enter':
    case 'leave':
      return useStack(instruction, cpu, emulation) ? done : emulation.givenUp;
    case 'address':
      setGpr(cpu, instruction.register, instruction.size, instruction.address);
      return done;
    case 'nothing':
      return done;
    case 'fault':
      return { kind: 'fault', vector: instruction.vector, errorCode: 0 };
  }
}

type StackKind = 'push' | 'pop' | 'pushValue' | 'popRegister' | 'enter' | 'leave';

/** False when Xen gives up. */
function useStack(instruction: Of<StackKind>, cpu: Cpu, emulation: Emulation): boolean {
  const push = (bytes: Uint8Array | undefined): boolean => {
    const top = BigInt.asUintN(64, cpu.gpr.rsp - BigInt(bytes?.length ?? 0));
    if (bytes === undefined || !emulation.write(top, bytes)) return false;
    cpu.gpr.rsp = top;
    return true;
  };
  const pop = (size: number): Uint8Array | undefined => {
    const bytes = emulation.read(cpu.gpr.rsp, size);
    if (bytes !== undefined) cpu.gpr.rsp = BigInt.asUintN(64, cpu.gpr.rsp + BigInt(size));
    return bytes;
  };
  switch (instruction.kind) {
    case 'push':
      return push(emulation.read(instruction.address, instruction.size));
    case 'pushValue':
      return push(toBytes(valueOf(cpu, instruction.source, instruction.size), instruction.size));
    case 'pop': {
      const before = cpu.gpr.rsp;
      const bytes = pop(instruction.size);
      if (bytes !== undefined && emulation.write(instruction.address, bytes)) return true;
      cpu.gpr.rsp = before;
      return false;
    }
    case 'popRegister': {
      const bytes = pop(instruction.size);
      if (bytes !== undefined) setGpr(cpu, instruction.register, instruction.size, toValue(bytes));
      return bytes !== undefined;
    }
    case 'enter':
      if (!push(toBytes(cpu.gpr.rbp, 8))) return false;
      cpu.gpr.rbp = cpu.gpr.rsp;
      cpu.gpr.rsp = BigInt.asUintN(64, cpu.gpr.rsp - BigInt(instruction.frameBytes));
      return true;
    case 'leave': {
      const before = cpu.gpr.rsp;
      cpu.gpr.rsp = cpu.gpr.rbp;
      const bytes = pop(8);
      if (bytes === undefined) cpu.gpr.rsp = before;
      else cpu.gpr.rbp = toValue(bytes);
      return bytes !== undefined;
    }
  }
}

function valueOf(cpu: Cpu, operand: Operand, size: number): bigint {
  return 'register' in operand ? getGpr(cpu, operand.register, size) : BigInt.asUintN(8 * size, operand.immediate);
}

function load(
  { address, size, register, into, isSwapped = false }: Of<'load'>,
  cpu: Cpu,
  emulation: Emulation,
): Outcome {
  const bytes = emulation.read(address, size);
  if (bytes === undefined) return emulation.givenUp;
  const value = toValue(isSwapped ? bytes.reverse() : bytes);
  if (into === undefined) setGpr(cpu, register, size, value);
  else setGpr(cpu, register, into.size, into.isSigned ? BigInt.asIntN(8 * size, value) : value);
  return done;
}

/** The word that a bit-string instruction reaches with a bit offset in a register, and the bit in it. */
function bitString(address: bigint, size: number, offset: bigint): { address: bigint; bit: bigint } {
  const bits = BigInt(8 * size);
  const signed = BigInt.asIntN(8 * size, offset);
  const bit = signed & (bits - 1n);
  return { address: BigInt.asUintN(64, address + ((signed - bit) / bits) * BigInt(size)), bit };
}

/**
 * The same for any operand. An immediate bit offset counts modulo the width; but Xen's decoder treats it as it does a
 * register (DstBitBase in x86_emulate.c), so that on MMIO another word is accessed: Xen's mistake, kept.
 */
function bitAt(address: bigint, size: number, operand: Operand, offset: bigint, emulation: Emulation) {
  if ('register' in operand || !emulation.isNative(address, size)) return bitString(address, size, offset);
  return { address, bit: offset % BigInt(8 * size) };
}

/** hvmemul_rmw: a read, then a write, whatever the value; no lock holds between them. */
function readModifyWrite(instruction: Of<'modify'>, cpu: Cpu, emulation: Emulation): Outcome {
  const { operation, size, operand, by = 0n } = instruction;
  let { address } = instruction;
  let b = operand === undefined ? 0n : valueOf(cpu, operand, size);
  if (operand !== undefined && (operation === 'bts' || operation === 'btr' || operation === 'btc')) {
    ({ address, bit: b } = bitAt(address, size, operand, b, emulation));
  }
  const bytes = emulation.read(address, size);
  if (bytes === undefined) return emulation.givenUp;
  const before = toValue(bytes);
  const { value, rflags, undefinedFlags } = modify(operation, before, b, size, cpu.rflags, by);
  if (!emulation.write(address, toBytes(value, size))) return emulation.givenUp;
  cpu.rflags = rflags;
  const isExchange = operation === 'xchg' || operation === 'xadd';
  if (isExchange && operand !== undefined && 'register' in operand) setGpr(cpu, operand.register, size, before);
  return { kind: 'done', undefinedFlags };
}

function test({ operation, size, address, operand }: Of<'test'>, cpu: Cpu, emulation: Emulation): Outcome {
  const b = valueOf(cpu, operand, size);
  const at = operation === 'bt' ? bitAt(address, size, operand, b, emulation) : { address, bit: 0n };
  const bytes = emulation.read(at.address, size);
  if (bytes === undefined) return emulation.givenUp;
  const a = toValue(bytes);
  const { rflags, undefinedFlags } =
    operation === 'cmp'
      ? subtract(a, b, 0n, size, cpu.rflags)
      : operation === 'test'
        ? logical(a & b, size, cpu.rflags)
        : bitTest(a, at.bit, cpu.rflags);
  cpu.rflags = rflags;
  return { kind: 'done', undefinedFlags };
}

function combine({ operation, size, address, register }: Of<'combine'>, cpu: Cpu, emulation: Emulation): Outcome {
  const bytes = emulation.read(address, size);
  if (bytes === undefined) return emulation.givenUp;
  const a = getGpr(cpu, register, size);
  const { value, rflags, undefinedFlags } = modify(
    operation === 'cmp' ? 'sub' : operation,
    a,
    toValue(bytes),
    size,
    cpu.rflags,
  );
  cpu.rflags = rflags;
  if (operation !== 'cmp') setGpr(cpu, register, size, value);
  return { kind: 'done', undefinedFlags };
}

/** CMPXCHG: a read, and a write only if it is to be exchanged, which a processor does either way. */
function compareExchange({ size, address, source }: Of<'compareExchange'>, cpu: Cpu, emulation: Emulation): Outcome {
  const bytes = emulation.read(address, size);
  if (bytes === undefined) return emulation.givenUp;
  const found = toValue(bytes);
  const expected = getGpr(cpu, 'rax', size);
  const compared = subtract(expected, found, 0n, size, cpu.rflags);
  if (found !== expected) setGpr(cpu, 'rax', size, found);
  else if (!emulation.exchange(address, toBytes(getGpr(cpu, source, size), size))) return emulation.givenUp;
  cpu.rflags = compared.rflags;
  return done;
}

/** CMPXCHG8B and CMPXCHG16B (x86_emulate/0fc7.c): halves in RDX:RAX and RCX:RBX; only ZF changes. */
function compareExchangePair({ size, address }: Of<'compareExchangePair'>, cpu: Cpu, emulation: Emulation): Outcome {
  if (size === 16 && address % 16n !== 0n) return generalProtection;
  const half = size / 2;
  const bits = BigInt(8 * half);
  const pair = (high: 'rdx' | 'rcx', low: 'rax' | 'rbx'): bigint =>
    (getGpr(cpu, high, half) << bits) | getGpr(cpu, low, half);
  const bytes = emulation.read(address, size);
  if (bytes === undefined) return emulation.givenUp;
  const found = toValue(bytes);
  if (found === pair('rdx', 'rax')) {
    if (!emulation.exchange(address, toBytes(pair('rcx', 'rbx'), size))) return emulation.givenUp;
    cpu.rflags |= flag.zero;
    return done;
  }
  setGpr(cpu, 'rax', half, found);
  setGpr(cpu, 'rdx', half, found >> bits);
  cpu.rflags &= ~flag.zero;
  return done;
}
