import { gprNames, type Gpr } from '../../abi/registers.ts';
import type { Cpu, Register } from './cpu.ts';
import type { BitCount, Combination, Instruction, Modification, PortWidth, Width } from './instruction.ts';
import { vectorCombinations, vectorElements, vectorMoves } from './vector-opcodes.ts';

/** An instruction in machine code, and where the next one begins. */
export interface Decoded {
  readonly instruction: Instruction;
  readonly next: number;
}

/** Arithmetic by the number that its opcodes carry (SDM volume 2, table A-2; group 1). */
const arithmetic = ['add', 'or', 'adc', 'sbb', 'and', 'sub', 'xor', 'cmp'] as const;
/** Group 2; 6 is an alias of 4. */
const shifts = ['rol', 'ror', 'rcl', 'rcr', 'shl', 'shr', 'shl', 'sar'] as const;
const doubleShifts = ['shld', 'shrd'] as const;
/** What LOCK may not stand before (SDM volume 2, LOCK). */
const unlockable: readonly string[] = [...shifts, ...doubleShifts];
/** The first four registers' second bytes, where there is no REX prefix. */
const highBytes = ['ah', 'ch', 'dh', 'bh'] as const;

/** Bytes of an instruction (SDM volume 2, 2.3.11). */
const longest = 15;

/** Prefixes of one instruction. */
interface Prefixes {
  operandSize: boolean;
  addressSize: boolean;
  /** 0xf2, 0xf3 or 0. */
  repeat: number;
  lock: boolean;
  /** The REX prefix, or 0. */
  rex: number;
}

/** Reads the bytes of one instruction. */
class Reader {
  readonly #code: Uint8Array;
  at: number;

  constructor(code: Uint8Array, at: number) {
    this.#code = code;
    this.at = at;
  }

  /** The next byte; what is missing counts as 0, and is noticed by {@link isBeyond}. */
  byte(): number {
    return this.#code[this.at++] ?? 0;
  }

  /** A little-endian signed number. */
  signed(size: number): bigint {
    let value = 0n;
    for (let i = 0; i < size; i++) value |= BigInt(this.byte()) << BigInt(8 * i);
    return BigInt.asIntN(8 * size, value);
  }

  get isBeyond(): boolean {
    return this.at > this.#code.length;
  }
}

/** The operands of a ModRM byte that names memory. */
interface Memory {
  readonly address: bigint;
  /** The other operand's register, or the opcode's extension. */
  readonly number: number;
}

/**
 * The instruction at an offset of 64-bit machine code, with its addresses computed from the registers. Knows what accesses
 * ports and memory: IN, OUT, MOV and its kin, arithmetic with a memory operand, XCHG, XADD, CMPXCHG, bit tests, shifts,
 * string instructions, PUSH and POP, SSE and AVX moves. Undefined for everything else: register operands, RIP-relative
 * addresses, GS, whose base is the guest's affair. All other segments begin at 0.
 */
export function decode(code: Uint8Array, at: number, cpu: Cpu): Decoded | undefined {
  const reader = new Reader(code, at);
  const instruction = new Decoder(reader, cpu).instruction();
  if (instruction === undefined || reader.isBeyond) return undefined;
  const isTooLong = reader.at - at > longest;
  return { instruction: isTooLong ? { kind: 'fault', vector: 13 } : instruction, next: reader.at };
}

class Decoder {
  readonly #reader: Reader;
  readonly #cpu: Cpu;
  readonly #prefixes: Prefixes = { operandSize: false, addressSize: false, repeat: 0, lock: false, rex: 0 };

  constructor(reader: Reader, cpu: Cpu) {
    this.#reader = reader;
    this.#cpu = cpu;
  }

  instruction(): Instruction | undefined {
    const prefixes = this.#prefixes;
    for (;;) {
      const byte = this.#reader.byte();
      // REX counts only right before the opcode.
      if (byte >= 0x40 && byte <= 0x4f) prefixes.rex = byte;
      else if (!this.#prefix(byte)) return this.#checkLock(this.#opcode(byte));
      else prefixes.rex = 0;
    }
  }

  #prefix(byte: number): boolean {
    const prefixes = this.#prefixes;
    switch (byte) {
      case 0x66:
        prefixes.operandSize = true;
        return true;
      case 0x67:
        prefixes.addressSize = true;
        return true;
      case 0xf2:
      case 0xf3:
        prefixes.repeat = byte;
        return true;
      case 0xf0:
        prefixes.lock = true;
        return true;
      // ES, CS, SS, DS, which have no base in 64-bit mode; FS, which has none in our guest.
      case 0x26:
      case 0x2e:
      case 0x36:
      case 0x3e:
      case 0x64:
        return true;
      default:
        return false;
    }
  }

  /** LOCK before anything but a read-modify-write is #UD. */
  #checkLock(instruction: Instruction | undefined): Instruction | undefined {
    if (!this.#prefixes.lock || instruction === undefined) return instruction;
    const { kind } = instruction;
    if (kind === 'compareExchange' || kind === 'compareExchangePair') return instruction;
    return kind === 'modify' && !unlockable.includes(instruction.operation)
      ? instruction
      : { kind: 'fault', vector: 6 };
  }

  #opcode(byte: number): Instruction | undefined {
    if (byte === 0x0f) return this.#twoByte(this.#reader.byte());
    if (byte === 0xc4 || byte === 0xc5) return this.#vex(byte);
    const size = this.#size(byte);
    if (byte < 0x40 && (byte & 7) < 4) return this.#arithmetic(byte, size);
    const strings = this.#prefixes.addressSize ? ({ size, isNarrow: true } as const) : { size };
    switch (byte) {
      case 0x50:
      case 0x51:
      case 0x52:
      case 0x53:
      case 0x54:
      case 0x55:
      case 0x56:
      case 0x57:
        return { kind: 'pushValue', size: this.#stackSize, source: { register: this.#gpr(byte & 7) } };
      case 0x58:
      case 0x59:
      case 0x5a:
      case 0x5b:
      case 0x5c:
      case 0x5d:
      case 0x5e:
      case 0x5f:
        return { kind: 'popRegister', size: this.#stackSize, register: this.#gpr(byte & 7) };
      case 0x63:
        return this.#loadInto(4, true);
      case 0x6c:
      case 0x6d:
      case 0x6e:
      case 0x6f:
        return { ...strings, kind: byte < 0x6e ? 'ins' : 'outs', size: portWidth(size), repeat: this.#repetition };
      case 0x68:
      case 0x6a: {
        const bytes = byte === 0x6a ? 1 : Math.min(this.#stackSize, 4);
        return { kind: 'pushValue', size: this.#stackSize, source: { immediate: this.#reader.signed(bytes) } };
      }
      case 0x80:
      case 0x81:
      case 0x83: {
        const memory = this.#memory();
        const immediate = this.#reader.signed(byte === 0x81 ? Math.min(size, 4) : 1);
        const operation = memory === undefined ? undefined : arithmetic[memory.number & 7];
        if (memory === undefined || operation === undefined) return undefined;
        const common = { size, address: memory.address, operand: { immediate } };
        return operation === 'cmp' ? { kind: 'test', operation, ...common } : { kind: 'modify', operation, ...common };
      }
      case 0x84:
      case 0x85:
        return this.#withRegister(size, (address, register) => {
          return { kind: 'test', operation: 'test', size, address, operand: { register } };
        });
      case 0x86:
      case 0x87:
        return this.#withRegister(size, (address, register) => {
          return { kind: 'modify', operation: 'xchg', size, address, operand: { register } };
        });
      case 0x88:
      case 0x89:
        return this.#withRegister(size, (address, register) => ({
          kind: 'store',
          size,
          address,
          source: { register },
        }));
      case 0x8a:
      case 0x8b:
        return this.#withRegister(size, (address, register) => ({ kind: 'load', size, address, register }));
      case 0x8d: {
        const memory = this.#memory();
        const register = this.#gprOf(memory);
        return memory && { kind: 'address', size: this.#wordSize, address: memory.address, register };
      }
      case 0x8f: {
        const memory = this.#memory();
        if (memory === undefined || (memory.number & 7) !== 0) return undefined;
        return { kind: 'pop', size: this.#stackSize, address: memory.address };
      }
      case 0xa0:
      case 0xa1:
        return { kind: 'load', size, address: this.#offset(), register: 'rax' };
      case 0xa2:
      case 0xa3:
        return { kind: 'store', size, address: this.#offset(), source: { register: 'rax' } };
      case 0xa4:
      case 0xa5:
        return { ...strings, kind: 'movs', repeat: this.#repetition };
      case 0xa6:
      case 0xa7:
        return { ...strings, kind: 'cmps', repeat: this.#comparingRepetition };
      case 0xaa:
      case 0xab:
        return { ...strings, kind: 'stos', repeat: this.#repetition };
      case 0xac:
      case 0xad:
        return { ...strings, kind: 'lods', repeat: this.#repetition };
      case 0xae:
      case 0xaf:
        return { ...strings, kind: 'scas', repeat: this.#comparingRepetition };
      case 0xc0:
      case 0xc1:
      case 0xd0:
      case 0xd1:
      case 0xd2:
      case 0xd3:
        return this.#shift(byte, size);
      case 0xc6:
      case 0xc7: {
        const memory = this.#memory();
        const immediate = this.#reader.signed(Math.min(size, 4));
        if (memory === undefined || (memory.number & 7) !== 0) return undefined;
        return { kind: 'store', size, address: memory.address, source: { immediate } };
      }
      case 0xc8: {
        const frameBytes = Number(BigInt.asUintN(16, this.#reader.signed(2)));
        // Nested frames are not known.
        return this.#reader.byte() === 0 && !this.#prefixes.operandSize ? { kind: 'enter', frameBytes } : undefined;
      }
      case 0xc9:
        return this.#prefixes.operandSize ? undefined : { kind: 'leave' };
      case 0xd7: {
        const address = this.#truncated(this.#cpu.gpr.rbx + (this.#cpu.gpr.rax & 0xffn));
        return { kind: 'load', size: 1, address, register: 'rax' };
      }
      case 0xe4:
      case 0xe5:
      case 0xe6:
      case 0xe7:
        return { kind: byte < 0xe6 ? 'in' : 'out', size: portWidth(size), port: this.#reader.byte() };
      case 0xec:
      case 0xed:
      case 0xee:
      case 0xef: {
        const port = Number(this.#cpu.gpr.rdx & 0xffffn);
        return { kind: byte < 0xee ? 'in' : 'out', size: portWidth(size), port };
      }
      case 0xf6:
      case 0xf7:
      case 0xfe:
      case 0xff:
        return this.#unary(byte, size);
      default:
        return undefined;
    }
  }

  #twoByte(byte: number): Instruction | undefined {
    const size = this.#size(byte);
    const modifying = (operation: Modification) => (address: bigint, register: Register) =>
      ({ kind: 'modify', operation, size, address, operand: { register } }) as const;
    if ((byte & 0xf0) === 0x40) {
      return this.#withGpr((address, register) => {
        return { kind: 'loadIf', size: this.#wordSize, address, register, condition: byte & 0xf };
      });
    }
    if ((byte & 0xf0) === 0x90) {
      const memory = this.#memory();
      return memory && { kind: 'storeIf', size: 1, address: memory.address, condition: byte & 0xf };
    }
    switch (byte) {
      case 0x01:
        // XSETBV: enables, as far as the oracle is concerned, what it can do anyway.
        return this.#reader.byte() === 0xd1 ? { kind: 'nothing' } : undefined;
      // PREFETCH and what was kept for it; NOP.
      case 0x0d:
      case 0x18:
      case 0x1f:
        return this.#memory() && { kind: 'nothing' };
      case 0x38:
        return this.#map38(this.#reader.byte());
      case 0x3a:
        return this.#map3a(this.#reader.byte());
      case 0xa4:
      case 0xa5:
      case 0xac:
      case 0xad: {
        const memory = this.#memory();
        if (memory === undefined) return undefined;
        const by = (byte & 1) === 0 ? this.#reader.signed(1) & 0xffn : this.#cpu.gpr.rcx & 0xffn;
        const common = { size: this.#wordSize, address: memory.address, by };
        const operand = { register: this.#gprOf(memory) };
        return { kind: 'modify', operation: doubleShifts[byte < 0xa8 ? 0 : 1], ...common, operand };
      }
      case 0xae: {
        const memory = this.#memory();
        // CLFLUSH; with a prefix it is another one.
        const isFlush = memory !== undefined && (memory.number & 7) === 7 && !this.#prefixes.operandSize;
        return isFlush && this.#prefixes.repeat === 0 ? { kind: 'nothing' } : undefined;
      }
      case 0xaf:
        return this.#withRegister(this.#wordSize, (address, register) => {
          return { kind: 'combine', operation: 'imul', size: this.#wordSize, address, register };
        });
      case 0xb8:
        return this.#prefixes.repeat === 0xf3 ? this.#count('popcnt') : undefined;
      case 0xbc:
        return this.#count(this.#prefixes.repeat === 0xf3 ? 'tzcnt' : 'bsf');
      case 0xbd:
        return this.#count(this.#prefixes.repeat === 0xf3 ? 'lzcnt' : 'bsr');
      case 0xa3:
        return this.#withRegister(size, (address, register) => {
          return { kind: 'test', operation: 'bt', size, address, operand: { register } };
        });
      case 0xab:
        return this.#withRegister(size, modifying('bts'));
      case 0xb3:
        return this.#withRegister(size, modifying('btr'));
      case 0xbb:
        return this.#withRegister(size, modifying('btc'));
      case 0xba: {
        const memory = this.#memory();
        const immediate = this.#reader.signed(1);
        const operation =
          memory === undefined ? undefined : (['bt', 'bts', 'btr', 'btc'] as const)[(memory.number & 7) - 4];
        if (memory === undefined || operation === undefined) return undefined;
        const common = { size, address: memory.address, operand: { immediate } };
        return operation === 'bt' ? { kind: 'test', operation, ...common } : { kind: 'modify', operation, ...common };
      }
      case 0xb0:
      case 0xb1:
        return this.#withRegister(size, (address, source) => ({ kind: 'compareExchange', size, address, source }));
      case 0xb6:
      case 0xbe:
        return this.#loadInto(1, byte === 0xbe);
      case 0xb7:
      case 0xbf:
        return this.#loadInto(2, byte === 0xbf);
      case 0xc0:
      case 0xc1:
        return this.#withRegister(size, modifying('xadd'));
      case 0xc3:
        return this.#withRegister(size, (address, register) => ({
          kind: 'store',
          size,
          address,
          source: { register },
        }));
      case 0xc7: {
        const memory = this.#memory();
        if (memory === undefined || (memory.number & 7) !== 1) return undefined;
        return { kind: 'compareExchangePair', size: this.#isWide ? 16 : 8, address: memory.address };
      }
      default: {
        const { repeat, operandSize } = this.#prefixes;
        const prefix = repeat === 0xf3 ? 2 : repeat === 0xf2 ? 3 : operandSize ? 1 : 0;
        const operation = vectorCombinations[byte];
        if (prefix !== 1 || (operation === undefined && byte !== 0xf7))
          return this.#vectorMove(byte, prefix, 16, false);
        if (operation === undefined) return this.#maskedStore();
        const memory = this.#memory();
        return memory && { kind: 'combineVector', size: 16, operation, address: memory.address, vector: memory.number };
      }
    }
  }

  /** MOVBE, MOVNTDQA. */
  #map38(byte: number): Instruction | undefined {
    const { repeat, operandSize } = this.#prefixes;
    if (repeat !== 0) return undefined;
    const size = this.#wordSize;
    if (byte === 0xf0)
      return this.#withGpr((address, register) => ({ kind: 'load', size, address, register, ...swapped }));
    if (byte === 0xf1) {
      return this.#withGpr((address, register) => ({ kind: 'store', size, address, source: { register }, ...swapped }));
    }
    if (byte !== 0x2a || !operandSize) return undefined;
    const memory = this.#memory();
    const size16 = { size: 16, isVex: false, isAligned: true } as const;
    return memory && { kind: 'loadVector', address: memory.address, vector: memory.number, ...size16 };
  }

  #map3a(byte: number): Instruction | undefined {
    const found = vectorElements[byte];
    if (found === undefined || !this.#prefixes.operandSize || this.#prefixes.repeat !== 0) return undefined;
    const size = found.size === 'register' ? (this.#isWide ? 8 : 4) : found.size;
    const memory = this.#memory();
    if (memory === undefined) return undefined;
    const at = (Number(BigInt.asUintN(8, this.#reader.signed(1))) * size) % 16;
    return { kind: found.kind, size, address: memory.address, vector: memory.number, at, ...unaligned };
  }

  /** MASKMOVDQU: both operands are registers, the memory is where RDI points. */
  #maskedStore(): Instruction | undefined {
    const modrm = this.#reader.byte();
    if (modrm >> 6 !== 3) return undefined;
    const { rex } = this.#prefixes;
    const vector = ((modrm >> 3) & 7) | ((rex & 4) << 1);
    const mask = (modrm & 7) | ((rex & 1) << 3);
    return { kind: 'maskedStore', size: 16, address: this.#truncated(this.#cpu.gpr.rdi), vector, mask };
  }

  #count(operation: BitCount): Instruction | undefined {
    return this.#withGpr((address, register) => {
      return { kind: 'count', operation, size: this.#wordSize, address, register };
    });
  }

  #vex(byte: number): Instruction | undefined {
    const { operandSize, repeat, lock, rex } = this.#prefixes;
    if (operandSize || repeat !== 0 || lock || rex !== 0) return undefined;
    const first = this.#reader.byte();
    const last = byte === 0xc4 ? this.#reader.byte() : first;
    // Map 1 is that of 0x0f.
    if (byte === 0xc4 && (first & 0x1f) !== 1) return undefined;
    // R, X, B are inverted; of a two-byte prefix only R is there. No other register takes part in a move.
    const inverted = byte === 0xc4 ? (~first >> 5) & 7 : ((~first >> 7) & 1) << 2;
    this.#prefixes.rex = 0x40 | inverted | (byte === 0xc4 && (last & 0x80) !== 0 ? 8 : 0);
    if (((last >> 3) & 0xf) !== 0xf) return undefined;
    return this.#vectorMove(this.#reader.byte(), last & 3, (last & 4) === 0 ? 16 : 32, true);
  }

  /** @param prefix as VEX.pp has it: none, 0x66, 0xf3, 0xf2 */
  #vectorMove(byte: number, prefix: number, width: 16 | 32, isVex: boolean): Instruction | undefined {
    const found = vectorMoves.find((move) => move.byte === byte && move.prefix === prefix);
    if (found === undefined) return undefined;
    const { kind, isAligned = false, at } = found;
    // The VEX forms of these have another register besides.
    if (isVex && at !== undefined) return undefined;
    const size = found.size === 'all' ? width : found.size === 'register' ? (this.#isWide ? 8 : 4) : found.size;
    if (width === 32 && size !== 32) return undefined;
    const memory = this.#memory();
    if (memory === undefined) return undefined;
    const common = { kind, size, address: memory.address, vector: memory.number, isVex, isAligned };
    return at === undefined ? common : { ...common, at };
  }

  #arithmetic(byte: number, size: Width): Instruction | undefined {
    const operation = arithmetic[byte >> 3];
    if (operation === undefined) return undefined;
    if ((byte & 2) !== 0) {
      const combination: Combination = operation;
      return this.#withRegister(size, (address, register) => {
        return { kind: 'combine', operation: combination, size, address, register };
      });
    }
    return this.#withRegister(size, (address, register) => {
      const common = { size, address, operand: { register } };
      return operation === 'cmp' ? { kind: 'test', operation, ...common } : { kind: 'modify', operation, ...common };
    });
  }

  #shift(byte: number, size: Width): Instruction | undefined {
    const memory = this.#memory();
    const operand =
      byte < 0xd0
        ? { immediate: this.#reader.signed(1) & 0xffn }
        : byte < 0xd2
          ? { immediate: 1n }
          : { immediate: this.#cpu.gpr.rcx & 0xffn };
    const operation = shifts[(memory?.number ?? 0) & 7];
    return memory && operation && { kind: 'modify', operation, size, address: memory.address, operand };
  }

  #unary(byte: number, size: Width): Instruction | undefined {
    const memory = this.#memory();
    if (memory === undefined) return undefined;
    const { address } = memory;
    const number = memory.number & 7;
    if (byte >= 0xfe) {
      if (number < 2) return { kind: 'modify', operation: number === 0 ? 'inc' : 'dec', size, address };
      return byte === 0xff && number === 6 ? { kind: 'push', size: this.#stackSize, address } : undefined;
    }
    if (number < 2) {
      const immediate = this.#reader.signed(Math.min(size, 4));
      return { kind: 'test', operation: 'test', size, address, operand: { immediate } };
    }
    if (number > 3) return undefined;
    return { kind: 'modify', operation: number === 2 ? 'not' : 'neg', size, address };
  }

  #loadInto(size: 1 | 2 | 4, isSigned: boolean): Instruction | undefined {
    const into = this.#wordSize;
    const memory = this.#memory();
    const register = this.#gprOf(memory);
    return memory && { kind: 'load', size, address: memory.address, register, into: { size: into, isSigned } };
  }

  #withRegister(size: Width, make: (address: bigint, register: Register) => Instruction): Instruction | undefined {
    const memory = this.#memory();
    if (memory === undefined) return undefined;
    const isHigh = size === 1 && this.#prefixes.rex === 0 && memory.number >= 4;
    const register = isHigh ? highBytes[memory.number - 4] : gprNames[memory.number];
    return register && make(memory.address, register);
  }

  /** With a register of more than one byte. */
  #withGpr(make: (address: bigint, register: Gpr) => Instruction): Instruction | undefined {
    const memory = this.#memory();
    return memory && make(memory.address, this.#gprOf(memory));
  }

  #gprOf(memory: Memory | undefined): Gpr {
    return gprNames[memory?.number ?? 0] ?? 'rax';
  }

  /** The register of an opcode's lowest three bits. */
  #gpr(number: number): Gpr {
    return gprNames[number | ((this.#prefixes.rex & 1) << 3)] ?? 'rax';
  }

  /** An absolute address, of accesses to AL to RAX. */
  #offset(): bigint {
    return this.#truncated(this.#reader.signed(this.#prefixes.addressSize ? 4 : 8));
  }

  #truncated(address: bigint): bigint {
    return BigInt.asUintN(this.#prefixes.addressSize ? 32 : 64, address);
  }

  /** ModRM, SIB and displacement. */
  #memory(): Memory | undefined {
    const { rex } = this.#prefixes;
    const modrm = this.#reader.byte();
    const mode = modrm >> 6;
    const number = ((modrm >> 3) & 7) | ((rex & 4) << 1);
    let base: number | undefined = (modrm & 7) | ((rex & 1) << 3);
    let address = 0n;
    if (mode === 3) return undefined;
    if ((modrm & 7) === 4) {
      const sib = this.#reader.byte();
      const index = ((sib >> 3) & 7) | ((rex & 2) << 2);
      base = (sib & 7) | ((rex & 1) << 3);
      if (index !== 4) address += this.#register(index) << BigInt(sib >> 6);
      if ((sib & 7) === 5 && mode === 0) base = undefined;
    } else if ((modrm & 7) === 5 && mode === 0) return undefined;
    if (base !== undefined) address += this.#register(base);
    if (mode === 1) address += this.#reader.signed(1);
    else if (mode === 2 || base === undefined) address += this.#reader.signed(4);
    return { address: this.#truncated(address), number };
  }

  #register(number: number): bigint {
    const name = gprNames[number];
    return name === undefined ? 0n : this.#cpu.gpr[name];
  }

  /** Bytes of the operand: opcodes with their lowest bit clear are those of bytes. */
  #size(byte: number): Width {
    const isByte = (byte & 1) === 0 && byte !== 0x63 && byte !== 0xba;
    return isByte ? 1 : this.#wordSize;
  }

  /** Bytes of an operand that cannot be one byte. */
  get #wordSize(): 2 | 4 | 8 {
    return this.#isWide ? 8 : this.#prefixes.operandSize ? 2 : 4;
  }

  /** Bytes of an operand of the stack. */
  get #stackSize(): 2 | 8 {
    return this.#prefixes.operandSize && !this.#isWide ? 2 : 8;
  }

  get #isWide(): boolean {
    return (this.#prefixes.rex & 8) !== 0;
  }

  get #repetition(): 'none' | 'rep' {
    return this.#prefixes.repeat === 0 ? 'none' : 'rep';
  }

  get #comparingRepetition(): 'none' | 'rep' | 'repne' {
    return this.#prefixes.repeat === 0xf2 ? 'repne' : this.#repetition;
  }
}

const swapped = { isSwapped: true } as const;
const unaligned = { isVex: false, isAligned: false } as const;
const portWidth = (size: Width): PortWidth => (size === 8 ? 4 : size);
