import fc from 'fast-check';
import { expect, it } from 'vitest';
import { makeCpu } from './cpu.ts';
import { decode } from './decode.ts';
import type { Instruction } from './instruction.ts';
import { assemble } from './testing/assemble.ts';

const low = { rax: 0x10n, rbx: 0x1000n, rcx: 3n, rdx: 0x5001n, rsi: 0x2000n, rdi: 0x7000n };
const cpu = makeCpu({ ...low, r12: 0x12000n, r13: 0x13000n, r14: 0xffff_ffff_0001_4000n });
const at = { address: 0x1000n };

/** Assembly, and what the oracle has to make of it. */
const known: readonly (readonly [string, Instruction])[] = [
  ['in al, 0x71', { kind: 'in', size: 1, port: 0x71 }],
  ['in ax, dx', { kind: 'in', size: 2, port: 0x5001 }],
  ['in eax, dx', { kind: 'in', size: 4, port: 0x5001 }],
  ['out dx, al', { kind: 'out', size: 1, port: 0x5001 }],
  ['out 0x80, eax', { kind: 'out', size: 4, port: 0x80 }],
  ['insb', { kind: 'ins', size: 1, repeat: 'none' }],
  ['rep insw', { kind: 'ins', size: 2, repeat: 'rep' }],
  ['rep outsd', { kind: 'outs', size: 4, repeat: 'rep' }],
  ['rep movsq', { kind: 'movs', size: 8, repeat: 'rep' }],
  ['movsb', { kind: 'movs', size: 1, repeat: 'none' }],
  ['repe cmpsw', { kind: 'cmps', size: 2, repeat: 'rep' }],
  ['repne scasd', { kind: 'scas', size: 4, repeat: 'repne' }],
  ['rep stosq', { kind: 'stos', size: 8, repeat: 'rep' }],
  ['lodsw', { kind: 'lods', size: 2, repeat: 'none' }],
  ['mov al, [rbx]', { kind: 'load', size: 1, ...at, register: 'rax' }],
  ['mov sil, [rbx]', { kind: 'load', size: 1, ...at, register: 'rsi' }],
  ['mov r9d, [rbx]', { kind: 'load', size: 4, ...at, register: 'r9' }],
  ['mov [rbx + 8 * rcx + 0x10], r15', { kind: 'store', size: 8, address: 0x1028n, source: { register: 'r15' } }],
  ['mov ax, [rsi - 2]', { kind: 'load', size: 2, address: 0x1ffen, register: 'rax' }],
  ['mov eax, [r12]', { kind: 'load', size: 4, address: 0x12000n, register: 'rax' }],
  ['mov eax, [r13 + 0x12345]', { kind: 'load', size: 4, address: 0x25345n, register: 'rax' }],
  ['mov eax, [0x7000 + 2 * rax]', { kind: 'load', size: 4, address: 0x7020n, register: 'rax' }],
  ['movabs eax, [0x123456789a]', { kind: 'load', size: 4, address: 0x123456789an, register: 'rax' }],
  ['movabs [0x123456789a], al', { kind: 'store', size: 1, address: 0x123456789an, source: { register: 'rax' } }],
  ['mov byte ptr [rbx], 0x81', { kind: 'store', size: 1, ...at, source: { immediate: -127n } }],
  ['mov word ptr [rbx], 0x1234', { kind: 'store', size: 2, ...at, source: { immediate: 0x1234n } }],
  ['mov qword ptr [rbx], -2', { kind: 'store', size: 8, ...at, source: { immediate: -2n } }],
  ['movnti [rbx], rdx', { kind: 'store', size: 8, ...at, source: { register: 'rdx' } }],
  ['movzx eax, byte ptr [rbx]', { kind: 'load', size: 1, ...at, register: 'rax', into: { size: 4, isSigned: false } }],
  ['movzx r8, word ptr [rbx]', { kind: 'load', size: 2, ...at, register: 'r8', into: { size: 8, isSigned: false } }],
  ['movsx dx, byte ptr [rbx]', { kind: 'load', size: 1, ...at, register: 'rdx', into: { size: 2, isSigned: true } }],
  ['movsxd rax, dword ptr [rbx]', { kind: 'load', size: 4, ...at, register: 'rax', into: { size: 8, isSigned: true } }],
  ['add [rbx], al', { kind: 'modify', operation: 'add', size: 1, ...at, operand: { register: 'rax' } }],
  ['lock adc dword ptr [rbx], 5', { kind: 'modify', operation: 'adc', size: 4, ...at, operand: { immediate: 5n } }],
  [
    'sbb qword ptr [rbx], 0x1234',
    { kind: 'modify', operation: 'sbb', size: 8, ...at, operand: { immediate: 0x1234n } },
  ],
  ['xor word ptr [rbx], 0x1234', { kind: 'modify', operation: 'xor', size: 2, ...at, operand: { immediate: 0x1234n } }],
  ['sub byte ptr [rbx], 0x80', { kind: 'modify', operation: 'sub', size: 1, ...at, operand: { immediate: -128n } }],
  ['or rdx, [rbx]', { kind: 'combine', operation: 'or', size: 8, ...at, register: 'rdx' }],
  ['cmp eax, [rbx]', { kind: 'combine', operation: 'cmp', size: 4, ...at, register: 'rax' }],
  ['cmp [rbx], eax', { kind: 'test', operation: 'cmp', size: 4, ...at, operand: { register: 'rax' } }],
  ['cmp byte ptr [rbx], 1', { kind: 'test', operation: 'cmp', size: 1, ...at, operand: { immediate: 1n } }],
  ['test [rbx], cx', { kind: 'test', operation: 'test', size: 2, ...at, operand: { register: 'rcx' } }],
  ['test dword ptr [rbx], 7', { kind: 'test', operation: 'test', size: 4, ...at, operand: { immediate: 7n } }],
  ['lock inc qword ptr [rbx]', { kind: 'modify', operation: 'inc', size: 8, ...at }],
  ['dec byte ptr [rbx]', { kind: 'modify', operation: 'dec', size: 1, ...at }],
  ['not word ptr [rbx]', { kind: 'modify', operation: 'not', size: 2, ...at }],
  ['lock neg dword ptr [rbx]', { kind: 'modify', operation: 'neg', size: 4, ...at }],
  ['shl dword ptr [rbx], 4', { kind: 'modify', operation: 'shl', size: 4, ...at, operand: { immediate: 4n } }],
  ['sar qword ptr [rbx], 1', { kind: 'modify', operation: 'sar', size: 8, ...at, operand: { immediate: 1n } }],
  ['ror byte ptr [rbx], cl', { kind: 'modify', operation: 'ror', size: 1, ...at, operand: { immediate: 3n } }],
  ['xchg [rbx], r8', { kind: 'modify', operation: 'xchg', size: 8, ...at, operand: { register: 'r8' } }],
  ['lock xadd [rbx], ecx', { kind: 'modify', operation: 'xadd', size: 4, ...at, operand: { register: 'rcx' } }],
  ['bt [rbx], eax', { kind: 'test', operation: 'bt', size: 4, ...at, operand: { register: 'rax' } }],
  ['lock bts [rbx], rax', { kind: 'modify', operation: 'bts', size: 8, ...at, operand: { register: 'rax' } }],
  ['btr word ptr [rbx], 9', { kind: 'modify', operation: 'btr', size: 2, ...at, operand: { immediate: 9n } }],
  ['btc dword ptr [rbx], 31', { kind: 'modify', operation: 'btc', size: 4, ...at, operand: { immediate: 31n } }],
  ['lock cmpxchg [rbx], dl', { kind: 'compareExchange', size: 1, ...at, source: 'rdx' }],
  ['cmpxchg [rbx], rcx', { kind: 'compareExchange', size: 8, ...at, source: 'rcx' }],
  ['lock cmpxchg8b [rbx]', { kind: 'compareExchangePair', size: 8, ...at }],
  ['cmpxchg16b [rbx]', { kind: 'compareExchangePair', size: 16, ...at }],
  ['mov [rbx], ah', { kind: 'store', size: 1, ...at, source: { register: 'ah' } }],
  ['mov bh, [rbx]', { kind: 'load', size: 1, ...at, register: 'bh' }],
  ['mov [rbx], sil', { kind: 'store', size: 1, ...at, source: { register: 'rsi' } }],
  ['lock xadd [rbx], dh', { kind: 'modify', operation: 'xadd', size: 1, ...at, operand: { register: 'dh' } }],
  [
    'movzx eax, word ptr fs:[rbx]',
    { kind: 'load', size: 2, ...at, register: 'rax', into: { size: 4, isSigned: false } },
  ],
  ['mov eax, [r14d + 2]', { kind: 'load', size: 4, address: 0x1_4002n, register: 'rax' }],
  ['addr32 lodsw', { kind: 'lods', size: 2, repeat: 'none', isNarrow: true }],
  ['.byte 0x67, 0xa1, 0x78, 0x56, 0x34, 0x92', { kind: 'load', size: 4, address: 0x9234_5678n, register: 'rax' }],
  // REX before another prefix does not count; of several, the last does.
  ['.byte 0x48, 0x66, 0x8b, 0x03', { kind: 'load', size: 2, ...at, register: 'rax' }],
  ['.byte 0x41, 0x48, 0x8b, 0x03', { kind: 'load', size: 8, ...at, register: 'rax' }],
  ['.byte 0x26, 0x2e, 0x36, 0x3e, 0xf3, 0x8b, 0x03', { kind: 'load', size: 4, ...at, register: 'rax' }],
  ['movbe eax, [rbx]', { kind: 'load', size: 4, ...at, register: 'rax', isSwapped: true }],
  ['movbe [rbx], dx', { kind: 'store', size: 2, ...at, source: { register: 'rdx' }, isSwapped: true }],
  ['cmovl r9, [rbx]', { kind: 'loadIf', size: 8, ...at, register: 'r9', condition: 12 }],
  ['setbe [rbx]', { kind: 'storeIf', size: 1, ...at, condition: 6 }],
  ['rcl dword ptr [rbx], 1', { kind: 'modify', operation: 'rcl', size: 4, ...at, operand: { immediate: 1n } }],
  ['rcr byte ptr [rbx], cl', { kind: 'modify', operation: 'rcr', size: 1, ...at, operand: { immediate: 3n } }],
  ['shld [rbx], rdx, 9', { kind: 'modify', operation: 'shld', size: 8, ...at, by: 9n, operand: { register: 'rdx' } }],
  [
    'shrd word ptr [rbx], ax, cl',
    { kind: 'modify', operation: 'shrd', size: 2, ...at, by: 3n, operand: { register: 'rax' } },
  ],
  ['imul ecx, [rbx]', { kind: 'combine', operation: 'imul', size: 4, ...at, register: 'rcx' }],
  ['bsf eax, [rbx]', { kind: 'count', operation: 'bsf', size: 4, ...at, register: 'rax' }],
  ['bsr dx, [rbx]', { kind: 'count', operation: 'bsr', size: 2, ...at, register: 'rdx' }],
  ['tzcnt rax, [rbx]', { kind: 'count', operation: 'tzcnt', size: 8, ...at, register: 'rax' }],
  ['lzcnt eax, [rbx]', { kind: 'count', operation: 'lzcnt', size: 4, ...at, register: 'rax' }],
  ['popcnt ax, [rbx]', { kind: 'count', operation: 'popcnt', size: 2, ...at, register: 'rax' }],
  ['push r9', { kind: 'pushValue', size: 8, source: { register: 'r9' } }],
  ['push -2', { kind: 'pushValue', size: 8, source: { immediate: -2n } }],
  ['push 0x12345678', { kind: 'pushValue', size: 8, source: { immediate: 0x1234_5678n } }],
  ['pop r10', { kind: 'popRegister', size: 8, register: 'r10' }],
  ['pop dx', { kind: 'popRegister', size: 2, register: 'rdx' }],
  ['enter 32, 0', { kind: 'enter', frameBytes: 32 }],
  ['leave', { kind: 'leave' }],
  ['lea rcx, [rbx + 8]', { kind: 'address', size: 8, address: 0x1008n, register: 'rcx' }],
  ['prefetchnta [rbx]', { kind: 'nothing' }],
  ['nop dword ptr [rbx]', { kind: 'nothing' }],
  ['clflush [rbx]', { kind: 'nothing' }],
  ['xsetbv', { kind: 'nothing' }],
  ['.byte 0xf0, 0x8b, 0x03', { kind: 'fault', vector: 6 }],
  ['push qword ptr [rbx]', { kind: 'push', size: 8, ...at }],
  ['pop word ptr [rbx]', { kind: 'pop', size: 2, ...at }],
  ...(
    [
      ['pinsrb xmm3, byte ptr [rbx], 5', 'loadVector', 1, 3, 5],
      ['pinsrq xmm3, [rbx], 1', 'loadVector', 8, 3, 8],
      ['pextrw [rbx], xmm9, 7', 'storeVector', 2, 9, 14],
      ['pextrd [rbx], xmm1, 2', 'storeVector', 4, 1, 8],
      ['extractps [rbx], xmm1, 3', 'storeVector', 4, 1, 12],
      ['movhps xmm1, [rbx]', 'loadVector', 8, 1, 8],
      ['movlpd [rbx], xmm2', 'storeVector', 8, 2, 0],
    ] as const
  ).map(([text, kind, size, vector, place]): readonly [string, Instruction] => [
    text,
    { kind, size, ...at, vector, isVex: false, isAligned: false, at: place },
  ]),
  ['paddw xmm10, [rbx]', { kind: 'combineVector', size: 16, operation: 'paddw', ...at, vector: 10 }],
  ['maskmovdqu xmm2, xmm11', { kind: 'maskedStore', size: 16, address: 0x7000n, vector: 2, mask: 11 }],
  ...(
    [
      ['movntdqa xmm3, [rbx]', 'loadVector', 16, 3, false, true],
      ['movups xmm3, [rbx]', 'loadVector', 16, 3, false, false],
      ['movapd [rbx], xmm12', 'storeVector', 16, 12, false, true],
      ['movss xmm0, [rbx]', 'loadVector', 4, 0, false, false],
      ['movsd [rbx], xmm1', 'storeVector', 8, 1, false, false],
      ['movd xmm2, dword ptr [rbx]', 'loadVector', 4, 2, false, false],
      ['movdqu [rbx], xmm9', 'storeVector', 16, 9, false, false],
      ['movdqa xmm9, [rbx]', 'loadVector', 16, 9, false, true],
      ['lddqu xmm1, [rbx]', 'loadVector', 16, 1, false, false],
      ['movntdq [rbx], xmm1', 'storeVector', 16, 1, false, true],
      ['movq [rbx], xmm1', 'storeVector', 8, 1, false, false],
      ['movq xmm8, qword ptr [rbx]', 'loadVector', 8, 8, false, false],
      ['vmovups ymm4, [rbx]', 'loadVector', 32, 4, true, false],
      ['vmovups [rbx], ymm14', 'storeVector', 32, 14, true, false],
      ['vmovdqa xmm4, [rbx]', 'loadVector', 16, 4, true, true],
      ['vmovq xmm4, qword ptr [rbx]', 'loadVector', 8, 4, true, false],
    ] as const
  ).map(([text, kind, size, vector, isVex, isAligned]): readonly [string, Instruction] => [
    text,
    { kind, size, ...at, vector, isVex, isAligned },
  ]),
  [
    'vmovups ymm5, [r12 + r13]',
    { ...{ kind: 'loadVector', size: 32, vector: 5, isVex: true, isAligned: false }, address: 0x25000n },
  ],
];

it("knows the assembler's code of each instruction, to its last byte", () => {
  const codes = assemble(known.map(([text]) => text));
  known.forEach(([text, instruction], i) => {
    const code = codes[i] ?? new Uint8Array();
    expect([text, decode(code, 0, cpu)]).toEqual([text, { instruction, next: code.length }]);
    // Inside other code; and cut off.
    const inside = Uint8Array.of(0xff, ...code, 0xff);
    expect(decode(inside, 1, cpu)?.next).toBe(code.length + 1);
    expect(decode(code.slice(0, -1), 0, cpu)).toBeUndefined();
  });
});

it('takes fifteen bytes and no more', () => {
  const padded = (prefixes: number): Uint8Array =>
    Uint8Array.from([...Array.from({ length: prefixes }, () => 0x2e), 0x8b, 0x03]);
  expect(decode(padded(13), 0, cpu)?.instruction.kind).toBe('load');
  expect(decode(padded(14), 0, cpu)?.instruction).toEqual({ kind: 'fault', vector: 13 });
});

it('does not pretend to know anything else', () => {
  const unknown = ['mov eax, ebx', 'mov eax, [rip + 4]', 'mov eax, gs:[rbx]', 'nop'];
  const more = [
    'enter 8, 1',
    'xabort 1',
    'vaddps ymm0, ymm1, [rbx]',
    'fld dword ptr [rbx]',
    'vmovhps xmm0, xmm1, [rbx]',
    'syscall',
  ];
  for (const code of assemble([...unknown, ...more])) expect(decode(code, 0, cpu)).toBeUndefined();
});

it('any bytes are an instruction or none, never anything else', () => {
  const property = fc.property(fc.uint8Array({ maxLength: 20 }), (code) => {
    const decoded = decode(code, 0, cpu);
    if (decoded !== undefined) expect(decoded.next).toBeLessThanOrEqual(code.length);
  });
  fc.assert(property, { numRuns: 2000 });
});
