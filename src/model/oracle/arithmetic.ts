import { arithmeticFlags, flag } from './cpu.ts';
import type { BitCount, Modification } from './instruction.ts';

/** A result and the flags with it. */
export interface Computed {
  /** Unsigned, of the operand's width. */
  readonly value: bigint;
  readonly rflags: bigint;
  /** Bits of RFLAGS that the manual leaves undefined after this (SDM volume 2): nothing may depend on them. */
  readonly undefinedFlags: bigint;
}

const { carry, parity, adjust, zero, sign, overflow } = flag;

function setFlags(rflags: bigint, which: bigint, set: bigint): bigint {
  return (rflags & ~which) | (set & which);
}

function resultFlags(value: bigint, bits: bigint): bigint {
  let ones = 0;
  for (let byte = Number(value & 0xffn); byte !== 0; byte >>= 1) ones += byte & 1;
  return (value === 0n ? zero : 0n) | ((value >> (bits - 1n)) & 1n ? sign : 0n) | (ones % 2 === 0 ? parity : 0n);
}

function add(a: bigint, b: bigint, carryIn: bigint, bits: bigint, rflags: bigint): Computed {
  const sum = a + b + carryIn;
  const value = BigInt.asUintN(Number(bits), sum);
  const flags =
    resultFlags(value, bits) |
    (sum >> bits ? carry : 0n) |
    (((a ^ b ^ value) >> 4n) & 1n ? adjust : 0n) |
    (((a ^ value) & (b ^ value)) >> (bits - 1n) ? overflow : 0n);
  return { value, rflags: setFlags(rflags, arithmeticFlags, flags), undefinedFlags: 0n };
}

/** `a - b - borrow`, as SUB, SBB and CMP do. */
export function subtract(a: bigint, b: bigint, borrow: bigint, size: number, rflags: bigint): Computed {
  const bits = BigInt(8 * size);
  const difference = a - b - borrow;
  const value = BigInt.asUintN(8 * size, difference);
  const flags =
    resultFlags(value, bits) |
    (difference < 0n ? carry : 0n) |
    (((a ^ b ^ value) >> 4n) & 1n ? adjust : 0n) |
    (((a ^ b) & (a ^ value)) >> (bits - 1n) ? overflow : 0n);
  return { value, rflags: setFlags(rflags, arithmeticFlags, flags), undefinedFlags: 0n };
}

/** The flags of AND, OR, XOR and TEST. */
export function logical(value: bigint, size: number, rflags: bigint): Computed {
  const flags = resultFlags(value, BigInt(8 * size));
  return { value, rflags: setFlags(rflags, arithmeticFlags & ~adjust, flags), undefinedFlags: adjust };
}

/** The flags of BT; its kin change the value too. */
export function bitTest(value: bigint, bit: bigint, rflags: bigint): Computed {
  const flags = setFlags(rflags, carry, (value >> bit) & 1n ? carry : 0n);
  return { value, rflags: flags, undefinedFlags: overflow | sign | adjust | parity };
}

function shift(operation: 'shl' | 'shr' | 'sar', a: bigint, by: bigint, size: number, rflags: bigint): Computed {
  const bits = BigInt(8 * size);
  const count = by & (size === 8 ? 63n : 31n);
  if (count === 0n) return { value: a, rflags, undefinedFlags: 0n };
  const wide = operation === 'shl' ? a << count : (operation === 'sar' ? BigInt.asIntN(8 * size, a) : a) >> count;
  const value = BigInt.asUintN(8 * size, wide);
  const last =
    operation === 'shl'
      ? (wide >> bits) & 1n
      : ((operation === 'sar' ? BigInt.asIntN(8 * size, a) : a) >> (count - 1n)) & 1n;
  const top = (value >> (bits - 1n)) & 1n;
  const isOverflow =
    operation === 'shl' ? (top ^ last) === 1n : operation === 'shr' ? ((a >> (bits - 1n)) & 1n) === 1n : false;
  const flags = resultFlags(value, bits) | (last ? carry : 0n) | (isOverflow ? overflow : 0n);
  const undefinedFlags = adjust | (count === 1n ? 0n : overflow) | (count >= bits && operation !== 'sar' ? carry : 0n);
  return { value, rflags: setFlags(rflags, arithmeticFlags & ~adjust, flags), undefinedFlags };
}

function rotate(operation: 'rol' | 'ror', a: bigint, by: bigint, size: number, rflags: bigint): Computed {
  const bits = BigInt(8 * size);
  const masked = by & (size === 8 ? 63n : 31n);
  if (masked === 0n) return { value: a, rflags, undefinedFlags: 0n };
  const left = operation === 'rol' ? masked % bits : (bits - (masked % bits)) % bits;
  const value = BigInt.asUintN(8 * size, (a << left) | (a >> (bits - left)));
  const top = (value >> (bits - 1n)) & 1n;
  const last = operation === 'rol' ? value & 1n : top;
  const other = operation === 'rol' ? top : (value >> (bits - 2n)) & 1n;
  const flags = (last ? carry : 0n) | (last ^ other ? overflow : 0n);
  return {
    value,
    rflags: setFlags(rflags, carry | overflow, flags),
    undefinedFlags: masked === 1n ? 0n : overflow,
  };
}

/** RCL and RCR: the carry is one bit more. */
function rotateThroughCarry(operation: 'rcl' | 'rcr', a: bigint, by: bigint, size: number, rflags: bigint): Computed {
  const bits = BigInt(8 * size);
  const masked = by & (size === 8 ? 63n : 31n);
  if (masked === 0n) return { value: a, rflags, undefinedFlags: 0n };
  const all = bits + 1n;
  const left = operation === 'rcl' ? masked % all : (all - (masked % all)) % all;
  const whole = a | ((rflags & carry) << bits);
  const turned = BigInt.asUintN(Number(all), (whole << left) | (whole >> (all - left)));
  const value = BigInt.asUintN(Number(bits), turned);
  const last = turned >> bits;
  const top = value >> (bits - 1n);
  const isOverflow = (operation === 'rcl' ? top ^ last : top ^ ((value >> (bits - 2n)) & 1n)) === 1n;
  const flags = (last === 1n ? carry : 0n) | (isOverflow ? overflow : 0n);
  return {
    value,
    rflags: setFlags(rflags, carry | overflow, flags),
    undefinedFlags: masked === 1n ? 0n : overflow,
  };
}

/** SHLD and SHRD, by fewer bits than the operand has: more leave everything undefined. */
function shiftDouble(
  operation: 'shld' | 'shrd',
  a: bigint,
  b: bigint,
  by: bigint,
  size: number,
  rflags: bigint,
): Computed {
  const bits = BigInt(8 * size);
  const count = by & (size === 8 ? 63n : 31n);
  if (count === 0n) return { value: a, rflags, undefinedFlags: 0n };
  const wide = operation === 'shld' ? (a << count) | (b >> (bits - count)) : (a >> count) | (b << (bits - count));
  const value = BigInt.asUintN(Number(bits), wide);
  const last = (operation === 'shld' ? a >> (bits - count) : a >> (count - 1n)) & 1n;
  const isOverflow = (a ^ value) >> (bits - 1n) === 1n;
  const flags = resultFlags(value, bits) | (last === 1n ? carry : 0n) | (isOverflow ? overflow : 0n);
  return {
    value,
    rflags: setFlags(rflags, arithmeticFlags & ~adjust, flags),
    undefinedFlags: adjust | (count === 1n ? 0n : overflow),
  };
}

/** IMUL of two operands. */
function multiply(a: bigint, b: bigint, size: number, rflags: bigint): Computed {
  const product = BigInt.asIntN(8 * size, a) * BigInt.asIntN(8 * size, b);
  const isCut = BigInt.asIntN(8 * size, product) !== product;
  return {
    value: BigInt.asUintN(8 * size, product),
    rflags: setFlags(rflags, carry | overflow, isCut ? carry | overflow : 0n),
    undefinedFlags: sign | zero | adjust | parity,
  };
}

/** BSF and its kin of `a`; undefined: the register stays as it was. */
export function countBits(
  operation: BitCount,
  a: bigint,
  size: number,
  rflags: bigint,
): Omit<Computed, 'value'> & { readonly value: bigint | undefined } {
  const bits = 8 * size;
  const digits = a.toString(2).padStart(bits, '0');
  const isZero = a === 0n;
  if (operation === 'popcnt') {
    const value = BigInt(digits.replaceAll('0', '').length);
    return { value, rflags: setFlags(rflags, arithmeticFlags, isZero ? zero : 0n), undefinedFlags: 0n };
  }
  const first = BigInt(isZero ? bits : bits - 1 - digits.lastIndexOf('1'));
  const last = BigInt(isZero ? bits : digits.indexOf('1'));
  if (operation === 'bsf' || operation === 'bsr') {
    const found = operation === 'bsf' ? first : BigInt(bits) - 1n - last;
    const flags = setFlags(rflags, zero, isZero ? zero : 0n);
    return { value: isZero ? undefined : found, rflags: flags, undefinedFlags: arithmeticFlags & ~zero };
  }
  const value = operation === 'tzcnt' ? first : last;
  const flags = (isZero ? carry : 0n) | (value === 0n ? zero : 0n);
  return { value, rflags: setFlags(rflags, zero | carry, flags), undefinedFlags: sign | overflow | parity | adjust };
}

/**
 * What a read-modify-write instruction makes of `a`, with operand `b`: both unsigned and of `size` bytes.
 *
 * @param by what SHLD and SHRD shift by
 */
export function modify(
  operation: Modification | 'imul',
  a: bigint,
  b: bigint,
  size: number,
  rflags: bigint,
  by = 0n,
): Computed {
  const bits = BigInt(8 * size);
  const carryIn = rflags & carry;
  switch (operation) {
    case 'add':
    case 'xadd':
      return add(a, b, 0n, bits, rflags);
    case 'adc':
      return add(a, b, carryIn, bits, rflags);
    case 'sub':
      return subtract(a, b, 0n, size, rflags);
    case 'sbb':
      return subtract(a, b, carryIn, size, rflags);
    case 'inc':
    case 'dec': {
      // They leave CF as it was.
      const { value, rflags: flags } =
        operation === 'inc' ? add(a, 1n, 0n, bits, rflags) : subtract(a, 1n, 0n, size, rflags);
      return { value, rflags: setFlags(flags, carry, rflags), undefinedFlags: 0n };
    }
    case 'neg':
      return subtract(0n, a, 0n, size, rflags);
    case 'not':
      return { value: BigInt.asUintN(8 * size, ~a), rflags, undefinedFlags: 0n };
    case 'and':
      return logical(a & b, size, rflags);
    case 'or':
      return logical(a | b, size, rflags);
    case 'xor':
      return logical(a ^ b, size, rflags);
    case 'xchg':
      return { value: b, rflags, undefinedFlags: 0n };
    case 'shl':
    case 'shr':
    case 'sar':
      return shift(operation, a, b, size, rflags);
    case 'rol':
    case 'ror':
      return rotate(operation, a, b, size, rflags);
    case 'rcl':
    case 'rcr':
      return rotateThroughCarry(operation, a, b, size, rflags);
    case 'shld':
    case 'shrd':
      return shiftDouble(operation, a, b, by, size, rflags);
    case 'imul':
      return multiply(a, b, size, rflags);
    case 'bts':
    case 'btr':
    case 'btc': {
      const bit = b % bits;
      const tested = bitTest(a, bit, rflags);
      const mask = 1n << bit;
      const value = operation === 'bts' ? a | mask : operation === 'btr' ? a & ~mask : a ^ mask;
      return { ...tested, value };
    }
  }
}
