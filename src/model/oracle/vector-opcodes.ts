import type { VectorCombination } from './instruction.ts';

/** An instruction between a vector register and memory. */
interface VectorMove {
  /** After 0x0f. */
  readonly byte: number;
  /** As VEX.pp has it: none, 0x66, 0xf3, 0xf2. */
  readonly prefix: number;
  readonly kind: 'loadVector' | 'storeVector';
  /** Bytes; `all` of the vector, or those of a general `register`. */
  readonly size: 4 | 8 | 'all' | 'register';
  /** The part of the register that takes part; the rest stays. */
  readonly at?: number;
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

/** Those of the first opcode map, which VEX has too. */
export const vectorMoves: readonly VectorMove[] = [
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
  ...[0, 1].flatMap((prefix) => [
    ...bothWays(0x12, 0x13, prefix, 8).map((move) => ({ ...move, at: 0 })), // MOVLPS, MOVLPD
    ...bothWays(0x16, 0x17, prefix, 8).map((move) => ({ ...move, at: 8 })), // MOVHPS, MOVHPD
  ]),
  { byte: 0x2b, prefix: 1, kind: 'storeVector', size: 'all', isAligned: true }, // MOVNTPD
];

/** Operations with an aligned memory operand, all with the prefix 0x66. */
export const vectorCombinations: Readonly<Record<number, VectorCombination>> = {
  0xd4: 'paddq',
  0xdb: 'pand',
  0xdf: 'pandn',
  0xeb: 'por',
  0xef: 'pxor',
  0xfc: 'paddb',
  0xfd: 'paddw',
  0xfe: 'paddd',
};

/** Elements of a register, after 0x0f 0x3a, all with the prefix 0x66; `register`: as wide as a general one. */
export const vectorElements: Readonly<
  Record<number, { readonly kind: VectorMove['kind']; readonly size: 1 | 2 | 4 | 'register' }>
> = {
  0x14: { kind: 'storeVector', size: 1 }, // PEXTRB
  0x15: { kind: 'storeVector', size: 2 }, // PEXTRW
  0x16: { kind: 'storeVector', size: 'register' }, // PEXTRD, PEXTRQ
  0x17: { kind: 'storeVector', size: 4 }, // EXTRACTPS
  0x20: { kind: 'loadVector', size: 1 }, // PINSRB
  0x22: { kind: 'loadVector', size: 'register' }, // PINSRD, PINSRQ
};
