import { toBytes, toValue } from './bytes.ts';
import type { Cpu } from './cpu.ts';
import type { Emulation } from './emulation.ts';
import { generalProtection, type Instruction, type Outcome, type VectorCombination } from './instruction.ts';

type Of<Kind extends Instruction['kind']> = Extract<Instruction, { readonly kind: Kind }>;

const done: Outcome = { kind: 'done' };
const xmmBytes = 16;

function vectorOf(cpu: Cpu, number: number): Uint8Array {
  const vector = cpu.vectors[number];
  if (vector === undefined) throw new RangeError(`there is no vector register ${number}`);
  return vector;
}

const isMisaligned = (address: bigint, size: number): boolean => address % BigInt(size) !== 0n;

/** Loads and stores of a vector register, or of a part of it. */
export function moveVector(instruction: Of<'loadVector' | 'storeVector'>, cpu: Cpu, emulation: Emulation): Outcome {
  const { kind, address, size, at, isVex = false, isAligned = false } = instruction;
  const vector = vectorOf(cpu, instruction.vector);
  if (isAligned && isMisaligned(address, size)) return generalProtection;
  if (kind === 'storeVector') {
    const bytes = vector.slice(at ?? 0, (at ?? 0) + size);
    return emulation.write(address, bytes) ? done : emulation.givenUp;
  }
  const bytes = emulation.read(address, size);
  if (bytes === undefined) return emulation.givenUp;
  if (at === undefined) vector.fill(0, 0, isVex ? 32 : xmmBytes);
  vector.set(bytes, at);
  return done;
}

/** SSE arithmetic with a memory operand of 16 bytes. */
export function combineVector(
  { operation, address, vector: number }: Of<'combineVector'>,
  cpu: Cpu,
  emulation: Emulation,
): Outcome {
  if (isMisaligned(address, xmmBytes)) return generalProtection;
  const vector = vectorOf(cpu, number);
  const bytes = emulation.read(address, xmmBytes);
  if (bytes === undefined) return emulation.givenUp;
  const size = elementBytes[operation];
  for (let at = 0; at < xmmBytes; at += size) {
    const value = combined(operation, toValue(vector, at, size), toValue(bytes, at, size));
    vector.set(toBytes(BigInt.asUintN(8 * size, value), size), at);
  }
  return done;
}

const elementBytes: Readonly<Record<VectorCombination, number>> = {
  ...{ pxor: 8, por: 8, pand: 8, pandn: 8 },
  ...{ paddb: 1, paddw: 2, paddd: 4, paddq: 8 },
};

function combined(operation: VectorCombination, a: bigint, b: bigint): bigint {
  switch (operation) {
    case 'pxor':
      return a ^ b;
    case 'por':
      return a | b;
    case 'pand':
      return a & b;
    case 'pandn':
      return ~a & b;
    default:
      return a + b;
  }
}

/**
 * MASKMOVDQU. A processor writes the bytes whose mask is set. Xen reads all sixteen, puts those bytes in, and writes all
 * sixteen; with no bit set it does neither (the case of 0xf7 in x86_emulate.c says so).
 */
export function maskedStore({ address, vector, mask }: Of<'maskedStore'>, cpu: Cpu, emulation: Emulation): Outcome {
  const source = vectorOf(cpu, vector);
  const isSet = [...vectorOf(cpu, mask).subarray(0, xmmBytes)].map((byte) => byte >= 0x80);
  if (!isSet.includes(true)) return done;
  const bytes = emulation.read(address, xmmBytes);
  if (bytes === undefined) return emulation.givenUp;
  isSet.forEach((is, i) => {
    if (is) bytes[i] = source[i] ?? 0;
  });
  return emulation.write(address, bytes) ? done : emulation.givenUp;
}
