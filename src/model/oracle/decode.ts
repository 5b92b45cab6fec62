import { gprNames, type Gpr } from '../../abi/registers.ts';
import type { Cpu } from './cpu.ts';
import type { Combination, Instruction, Modification, PortWidth, Width } from './instruction.ts';

/** An instruction in machine code, and where the next one begins. */
export interface Decoded {
  readonly instruction: Instruction;
  readonly next: number;
}

/** Arithmetic by the number that its opcodes carry (SDM volume 2, table A-2; group 1). */
const arithmetic = ['add', 'or', 'adc', 'sbb', 'and', 'sub', 'xor', 'cmp'] as const;
/** Group 2; 6 is an alias of 4, RCL and RCR are not known. */
const shifts: readonly (Modification | undefined)[] = ['rol', 'ror', undefined, undefined, 'shl', 'shr', 'shl', 'sar'];

/** Prefixes of one instruction. */
interface Prefixes {
  operandSize: boolean;
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
 * string instructions, PUSH and POP of memory, SSE and AVX moves. Undefined for everything else: register operands, RIP-
 * relative addresses, other segments, AH to DH.
 */
export function decode(code: Uint8Array, at: number, cpu: Cpu): Decoded | undefined {
  const reader = new Reader(code, at);
  const instruction = new Decoder(reader, cpu).instruction();
  return instruction === undefined || reader.isBeyond ? undefined : { instruction, next: reader.at };
}

class Decoder {
  readonly #reader: Reader;
  readonly #cpu: Cpu;
  readonly #prefixes: Prefixes = { operandSize: false, repeat: 0, lock: false, rex: 0 };

  constructor(reader: Reader, cpu: Cpu) {
    this.#reader = reader;
    this.#cpu = cpu;
  }

  instruction(): Instruction | undefined {
    const prefixes = this.#prefixes;
    for (;;) {
      const byte = this.#reader.byte();
      if (byte === 0x66) prefixes.operandSize = true;
      else if (byte === 0xf2 || byte === 0xf3) prefixes.repeat = byte;
      else if (byte === 0xf0) prefixes.lock = true;
      else if (byte >= 0x40 && byte <= 0x4f) {
        prefixes.rex = byte;
        return this.#checkLock(this.#opcode(this.#reader.byte()));
      } else return this.#checkLock(this.#opcode(byte));
    }
  }

  /** LOCK before anything but a read-modify-write is #UD. */
  #checkLock(instruction: Instruction | undefined): Instruction | undefined {
    if (!this.#prefixes.lock || instruction === undefined) return instruction;
    const { kind } = instruction;
    const isLockable = kind === 'modify' || kind === 'compareExchange' || kind === 'compareExchangePair';
    const isShift = kind === 'modify' && shifts.includes(instruction.operation);
    return isLockable && !isShift ? instruction : undefined;
  }

  #opcode(byte: number): Instruction | undefined {
    if (byte === 0x0f) return this.#twoByte(this.#reader.byte());
    if (byte === 0xc4 || byte === 0xc5) return this.#vex(byte);
    const size = this.#size(byte);
    if (byte < 0x40 && (byte & 7) < 4) return this.#arithmetic(byte, size);
    switch (byte) {
      case 0x63:
        return this.#loadInto(4, true);
      case 0x6c:
      case 0x6d:
      case 0x6e:
      case 0x6f:
        return { kind: byte < 0x6e ? 'ins' : 'outs', size: portWidth(size), repeat: this.#repetition };
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
      case 0x8f: {
        const memory = this.#memory();
        if (memory === undefined || (memory.number & 7) !== 0) return undefined;
        return { kind: 'pop', size: this.#prefixes.operandSize ? 2 : 8, address: memory.address };
      }
      case 0xa0:
      case 0xa1:
        return { kind: 'load', size, address: BigInt.asUintN(64, this.#reader.signed(8)), register: 'rax' };
      case 0xa2:
      case 0xa3: {
        const address = BigInt.asUintN(64, this.#reader.signed(8));
        return { kind: 'store', size, address, source: { register: 'rax' } };
      }
      case 0xa4:
      case 0xa5:
        return { kind: 'movs', size, repeat: this.#repetition };
      case 0xa6:
      case 0xa7:
        return { kind: 'cmps', size, repeat: this.#comparingRepetition };
      case 0xaa:
      case 0xab:
        return { kind: 'stos', size, repeat: this.#repetition };
      case 0xac:
      case 0xad:
        return { kind: 'lods', size, repeat: this.#repetition };
      case 0xae:
      case 0xaf:
        return { kind: 'scas', size, repeat: this.#comparingRepetition };
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
    const modifying = (operation: Modification) => (address: bigint, register: Gpr) =>
      ({ kind: 'modify', operation, size, address, operand: { register } }) as const;
    switch (byte) {
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
        return this.#vectorMove(byte, prefix, 16, false);
      }
    }
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
    const { kind, isAligned = false } = found;
    const size = found.size === 'all' ? width : found.size === 'register' ? (this.#isWide ? 8 : 4) : found.size;
    if (width === 32 && size !== 32) return undefined;
    const memory = this.#memory();
    return memory && { kind, size, address: memory.address, vector: memory.number, isVex, isAligned };
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
    const operation = memory === undefined ? undefined : shifts[memory.number & 7];
    return memory && operation && { kind: 'modify', operation, size, address: memory.address, operand };
  }

  #unary(byte: number, size: Width): Instruction | undefined {
    const memory = this.#memory();
    if (memory === undefined) return undefined;
    const { address } = memory;
    const number = memory.number & 7;
    if (byte >= 0xfe) {
      if (number < 2) return { kind: 'modify', operation: number === 0 ? 'inc' : 'dec', size, address };
      return byte === 0xff && number === 6
        ? { kind: 'push', size: this.#prefixes.operandSize ? 2 : 8, address }
        : undefined;
    }
    if (number < 2) {
      const immediate = this.#reader.signed(Math.min(size, 4));
      return { kind: 'test', operation: 'test', size, address, operand: { immediate } };
    }
    if (number > 3) return undefined;
    return { kind: 'modify', operation: number === 2 ? 'not' : 'neg', size, address };
  }

  #loadInto(size: 1 | 2 | 4, isSigned: boolean): Instruction | undefined {
    const into = this.#isWide ? 8 : this.#prefixes.operandSize ? 2 : 4;
    const memory = this.#memory();
    const register = gprNames[memory?.number ?? 0] ?? 'rax';
    return memory && { kind: 'load', size, address: memory.address, register, into: { size: into, isSigned } };
  }

  #withRegister(size: Width, make: (address: bigint, register: Gpr) => Instruction): Instruction | undefined {
    const memory = this.#memory();
    const register = gprNames[memory?.number ?? 0];
    if (memory === undefined || register === undefined) return undefined;
    // AH, CH, DH, BH.
    if (size === 1 && this.#prefixes.rex === 0 && memory.number >= 4) return undefined;
    return make(memory.address, register);
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
    return { address: BigInt.asUintN(64, address), number };
  }

  #register(number: number): bigint {
    const name = gprNames[number];
    return name === undefined ? 0n : this.#cpu.gpr[name];
  }

  /** Bytes of the operand: opcodes with their lowest bit clear are those of bytes. */
  #size(byte: number): Width {
    const isByte = (byte & 1) === 0 && byte !== 0x63 && byte !== 0xba;
    return isByte ? 1 : this.#isWide ? 8 : this.#prefixes.operandSize ? 2 : 4;
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

const portWidth = (size: Width): PortWidth => (size === 8 ? 4 : size);

interface VectorMove {
  readonly byte: number;
  readonly prefix: number;
  readonly kind: 'loadVector' | 'storeVector';
  /** Bytes; `all` of the vector, or those of a general `register`. */
  readonly size: 4 | 8 | 'all' | 'register';
  readonly isAligned?: true;
}

const bothWays = (
  load: number,
  store: number,
  prefix: number,
  size: VectorMove['size'],
  isAligned?: true,
): VectorMove[] => [
  { byte: load, prefix, kind: 'loadVector', size, ...(isAligned ? { isAligned } : {}) },
  { byte: store, prefix, kind: 'storeVector', size, ...(isAligned ? { isAligned } : {}) },
];

const vectorMoves: readonly VectorMove[] = [
  ...bothWays(0x10, 0x11, 0, 'all'), // MOVUPS
  ...bothWays(0x10, 0x11, 1, 'all'), // MOVUPD
  ...bothWays(0x10, 0x11, 2, 4), // MOVSS
  ...bothWays(0x10, 0x11, 3, 8), // MOVSD
  ...bothWays(0x28, 0x29, 0, 'all', true), // MOVAPS
  ...bothWays(0x28, 0x29, 1, 'all', true), // MOVAPD
  ...bothWays(0x6f, 0x7f, 1, 'all', true), // MOVDQA
  ...bothWays(0x6f, 0x7f, 2, 'all'), // MOVDQU
  ...bothWays(0x6e, 0x7e, 1, 'register'), // MOVD, MOVQ
  { byte: 0x7e, prefix: 2, kind: 'loadVector', size: 8 }, // MOVQ
  { byte: 0xd6, prefix: 1, kind: 'storeVector', size: 8 }, // MOVQ
  { byte: 0xf0, prefix: 3, kind: 'loadVector', size: 'all' }, // LDDQU
  { byte: 0x2b, prefix: 0, kind: 'storeVector', size: 'all', isAligned: true }, // MOVNTPS
  { byte: 0xe7, prefix: 1, kind: 'storeVector', size: 'all', isAligned: true }, // MOVNTDQ
];
