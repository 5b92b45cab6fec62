import type { Width } from '../../src/model/oracle/instruction.ts';

/** Machine code with a memory operand at RBX, for a width; a register operand is RCX, a vector one XMM1. */
export interface CodeForm {
  readonly name: string;
  readonly sizes: readonly Width[];
  /** LOCK is allowed. */
  readonly isLockable?: true;
  /** Bytes after the operand. */
  readonly immediate?: true;
  /** The register is a bit offset: the operand lies up to so many bits away. */
  readonly isBitOffset?: true;
  readonly isVector?: true;
  readonly usesStack?: true;
  /** @param size bytes of the operand */
  code(size: Width): readonly number[];
}

const every: readonly Width[] = [1, 2, 4, 8];
const words: readonly Width[] = [2, 4, 8];

/** [RBX] and a register, or the opcode's extension. */
const operand = (number: number): number => (number << 3) | 3;
const rcx = 1;

/** Prefixes of a width, the opcode of bytes or that of words, and the operand. */
const general =
  (opcode: readonly number[], number: number, words: readonly number[] = withBit(opcode)) =>
  (size: Width): readonly number[] => [
    ...(size === 2 ? [0x66] : size === 8 ? [0x48] : []),
    ...(size === 1 ? opcode : words),
    operand(number),
  ];

const withBit = (opcode: readonly number[]): number[] =>
  opcode.map((byte, i) => (i === opcode.length - 1 ? byte | 1 : byte));

const arithmetic = ['add', 'or', 'adc', 'sbb', 'and', 'sub', 'xor', 'cmp'].flatMap((name, i): CodeForm[] => {
  const lockable = name === 'cmp' ? {} : ({ isLockable: true } as const);
  return [
    { name: `${name} m, r`, sizes: every, ...lockable, code: general([i * 8], rcx) },
    { name: `${name} r, m`, sizes: every, code: general([i * 8 + 2], rcx) },
    { name: `${name} m, i`, sizes: every, ...lockable, immediate: true, code: general([0x80], i, [0x83]) },
  ];
});

const unary: CodeForm[] = [
  { name: 'inc', sizes: every, isLockable: true, code: general([0xfe], 0) },
  { name: 'dec', sizes: every, isLockable: true, code: general([0xfe], 1) },
  { name: 'not', sizes: every, isLockable: true, code: general([0xf6], 2) },
  { name: 'neg', sizes: every, isLockable: true, code: general([0xf6], 3) },
];

const exchanging: CodeForm[] = [
  { name: 'xchg', sizes: every, isLockable: true, code: general([0x86], rcx) },
  { name: 'xadd', sizes: every, isLockable: true, code: general([0x0f, 0xc0], rcx) },
  { name: 'cmpxchg', sizes: every, isLockable: true, code: general([0x0f, 0xb0], rcx) },
  { name: 'cmpxchg8b', sizes: [4], isLockable: true, code: () => [0x0f, 0xc7, operand(1)] },
  { name: 'cmpxchg16b', sizes: [8], isLockable: true, code: () => [0x48, 0x0f, 0xc7, operand(1)] },
];

const bits = ['bt', 'bts', 'btr', 'btc'].flatMap((name, i): CodeForm[] => {
  const lockable = name === 'bt' ? {} : ({ isLockable: true } as const);
  return [
    {
      name: `${name} m, r`,
      sizes: words,
      ...lockable,
      isBitOffset: true,
      code: general([], rcx, [0x0f, 0xa3 + 8 * i]),
    },
    { name: `${name} m, i`, sizes: words, ...lockable, immediate: true, code: general([], 4 + i, [0x0f, 0xba]) },
  ];
});

const shifts = (['rol', 'ror', undefined, undefined, 'shl', 'shr', undefined, 'sar'] as const).flatMap(
  (name, i): CodeForm[] =>
    name === undefined
      ? []
      : [
          { name: `${name} m, i`, sizes: every, immediate: true, code: general([0xc0], i) },
          { name: `${name} m, cl`, sizes: every, code: general([0xd2], i) },
        ],
);

const moves: CodeForm[] = [
  { name: 'movzx b', sizes: words, code: general([], rcx, [0x0f, 0xb6]) },
  { name: 'movsx b', sizes: words, code: general([], rcx, [0x0f, 0xbe]) },
  { name: 'movzx w', sizes: [4, 8], code: general([], rcx, [0x0f, 0xb7]) },
  { name: 'movsx w', sizes: [4, 8], code: general([], rcx, [0x0f, 0xbf]) },
  { name: 'movsxd', sizes: [8], code: general([], rcx, [0x63]) },
  { name: 'mov m, r', sizes: every, code: general([0x88], rcx) },
  { name: 'mov r, m', sizes: every, code: general([0x8a], rcx) },
  { name: 'test m, r', sizes: every, code: general([0x84], rcx) },
  { name: 'mov m, i', sizes: [1], immediate: true, code: general([0xc6], 0) },
  { name: 'movnti', sizes: [4, 8], code: general([], rcx, [0x0f, 0xc3]) },
  { name: 'push m', sizes: [8], usesStack: true, code: () => [0xff, operand(6)] },
  { name: 'pop m', sizes: [8], usesStack: true, code: () => [0x8f, operand(0)] },
];

const vectors = (
  [
    ['movups', [0x0f, 0x10], [0x0f, 0x11]],
    ['movupd', [0x66, 0x0f, 0x10], [0x66, 0x0f, 0x11]],
    ['movaps', [0x0f, 0x28], [0x0f, 0x29]],
    ['movdqa', [0x66, 0x0f, 0x6f], [0x66, 0x0f, 0x7f]],
    ['movdqu', [0xf3, 0x0f, 0x6f], [0xf3, 0x0f, 0x7f]],
    ['movss', [0xf3, 0x0f, 0x10], [0xf3, 0x0f, 0x11]],
    ['movsd', [0xf2, 0x0f, 0x10], [0xf2, 0x0f, 0x11]],
    ['movd', [0x66, 0x0f, 0x6e], [0x66, 0x0f, 0x7e]],
    ['movq', [0xf3, 0x0f, 0x7e], [0x66, 0x0f, 0xd6]],
  ] as const
).flatMap(([name, load, store]): CodeForm[] => [
  { name: `${name} x, m`, sizes: [8], isVector: true, code: () => [...load, operand(1)] },
  { name: `${name} m, x`, sizes: [8], isVector: true, code: () => [...store, operand(1)] },
]);

/** Every form that the oracle knows and guests may be made of. */
export const codeForms: readonly CodeForm[] = [...arithmetic, ...unary, ...exchanging, ...bits, ...shifts, ...moves];

/** The same with vector registers, which make an operation large. */
export const vectorForms: readonly CodeForm[] = vectors;

/** One instruction in one width. */
export interface Code {
  readonly form: CodeForm;
  readonly size: Width;
}

/** Its bytes. */
export function bytesOf({ form, size }: Code, isLocked: boolean, immediate: number): Uint8Array {
  const lock = isLocked && form.isLockable === true ? [0xf0] : [];
  return Uint8Array.from([...lock, ...form.code(size), ...(form.immediate === true ? [immediate & 0xff] : [])]);
}
