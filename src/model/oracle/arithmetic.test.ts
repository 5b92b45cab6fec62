import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, expect, it } from 'vitest';
import { countBits, modify } from './arithmetic.ts';
import { arithmeticFlags } from './cpu.ts';
import type { BitCount, Modification, Width } from './instruction.ts';

const directory = mkdtempSync(join(tmpdir(), 'ioreqlab-arithmetic-'));
afterAll(() => rmSync(directory, { recursive: true }));

interface Case {
  readonly operation: string;
  readonly size: Width;
  readonly a: bigint;
  readonly b: bigint;
  readonly rflags: bigint;
}

/** What this machine's processor makes of them: value and arithmetic flags. */
function onProcessor(cases: readonly Case[]): (readonly [bigint, bigint])[] {
  const program = join(directory, 'arithmetic');
  const source = fileURLToPath(new URL('testing/arithmetic.c', import.meta.url));
  execFileSync('gcc', ['-std=gnu11', '-O1', '-Wall', '-Werror', '-o', program, source], { stdio: 'pipe' });
  const lines = cases.map(({ operation, size, a, b, rflags }) =>
    [operation, size, a.toString(16), b.toString(16), rflags.toString(16)].join(' '),
  );
  const output = execFileSync(program, { input: lines.join('\n'), encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  return output
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [value = '', flags = ''] = line.split(' ');
      return [BigInt(`0x${value}`), BigInt(`0x${flags}`)];
    });
}

const counts: readonly string[] = ['bsf', 'bsr', 'tzcnt', 'lzcnt', 'popcnt'];
/** With what they shift by. */
const doubleShift = /^(sh[lr]d)(\d+)$/;

function compute({ operation, a, b, size, rflags }: Case) {
  if (counts.includes(operation)) {
    const { value = a, ...rest } = countBits(operation as BitCount, b, size, rflags);
    return { value, ...rest };
  }
  const [, shift, by] = doubleShift.exec(operation) ?? [];
  return modify((shift ?? operation) as Modification, a, b, size, rflags, BigInt(by ?? 0));
}

const operations = [
  ...['add', 'or', 'adc', 'sbb', 'and', 'sub', 'xor', 'inc', 'dec', 'not', 'neg', 'rol', 'ror', 'shl', 'shr', 'sar'],
  ...[
    'bts',
    'btr',
    'btc',
    'xchg',
    'xadd',
    'rcl',
    'rcr',
    'shld1',
    'shld7',
    'shld13',
    'shrd1',
    'shrd7',
    'shrd13',
    'imul',
  ],
  ...counts,
];
const notOfBytes = new Set([
  'bts',
  'btr',
  'btc',
  'imul',
  ...counts,
  ...operations.filter((one) => doubleShift.test(one)),
]);

/** Values at the edges of each width, and any others. */
const value = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  fc.constantFrom(0n, 1n, 0x7fn, 0x80n, 0xffn, 0x7fffn, 0x8000n, 0x7fff_ffffn, 0x8000_0000n, 2n ** 63n, 2n ** 64n - 1n),
);
const anyCase = fc.record({
  operation: fc.constantFrom(...operations),
  size: fc.constantFrom<Width>(1, 2, 4, 8),
  a: value,
  b: fc.oneof(value, fc.bigInt({ min: 0n, max: 70n })),
  rflags: fc.bigInt({ min: 0n, max: 0xfffn }).map((flags) => flags & arithmeticFlags),
});

it('values and flags are those of a processor', () => {
  const cases = fc
    .sample(anyCase, 20_000)
    .filter(({ operation, size }) => size !== 1 || !notOfBytes.has(operation))
    .map(({ a, b, size, ...rest }) => ({
      ...rest,
      size,
      a: BigInt.asUintN(8 * size, a),
      b: BigInt.asUintN(8 * size, b),
    }));
  const expected = onProcessor(cases);
  expect(expected).toHaveLength(cases.length);
  cases.forEach((one, i) => {
    const computed = compute(one);
    const [wanted = -1n, flags = -1n] = expected[i] ?? [];
    const looked = arithmeticFlags & ~computed.undefinedFlags;
    if (computed.value !== wanted || (computed.rflags & looked) !== (flags & looked)) {
      expect({ ...one, value: computed.value, flags: computed.rflags & looked }).toEqual({
        ...one,
        value: wanted,
        flags: flags & looked,
      });
    }
  });
});
