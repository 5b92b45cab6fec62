/** The general registers, in the order of their numbers in an instruction. */
export const gprNames = [
  'rax',
  'rcx',
  'rdx',
  'rbx',
  'rsp',
  'rbp',
  'rsi',
  'rdi',
  'r8',
  'r9',
  'r10',
  'r11',
  'r12',
  'r13',
  'r14',
  'r15',
] as const;
/** One of {@link gprNames}. */
export type Gpr = (typeof gprNames)[number];
