import { gprNames, type Gpr } from '../../abi/registers.ts';

/** Bits of RFLAGS (SDM volume 1, 3.4.3). */
export const flag = {
  carry: 1n << 0n,
  parity: 1n << 2n,
  adjust: 1n << 4n,
  zero: 1n << 6n,
  sign: 1n << 7n,
  direction: 1n << 10n,
  overflow: 1n << 11n,
} as const;

/** The flags that arithmetic sets: EFLAGS_MASK of Xen's x86_emulate. */
export const arithmeticFlags = flag.carry | flag.parity | flag.adjust | flag.zero | flag.sign | flag.overflow;

/** The state of a vCPU that instructions read and change; {@link execute} changes it in place. */
export interface Cpu {
  /** Unsigned 64-bit values. */
  readonly gpr: Record<Gpr, bigint>;
  rflags: bigint;
  /** Sixteen registers of 32 bytes: YMM, whose lower half is XMM. */
  readonly vectors: readonly Uint8Array[];
}

/** A vCPU with all registers 0 but those named; bit 1 of RFLAGS is always set. */
export function makeCpu(gpr: Readonly<Partial<Record<Gpr, bigint>>> = {}, rflags = 0n): Cpu {
  const zero = Object.fromEntries(gprNames.map((name) => [name, 0n])) as Record<Gpr, bigint>;
  return {
    gpr: { ...zero, ...gpr },
    rflags: rflags | 2n,
    vectors: Array.from({ length: 16 }, () => new Uint8Array(32)),
  };
}

const highBytes = { ah: 'rax', ch: 'rcx', dh: 'rdx', bh: 'rbx' } as const;

/** A general register, or the second byte of one of the first four, which only accesses of one byte have. */
export type Register = Gpr | keyof typeof highBytes;

const isHighByte = (register: Register): register is keyof typeof highBytes => register in highBytes;

/**
 * Writes the low `size` bytes of a register as an instruction does: four bytes clear the upper half, one and two leave
 * the rest (SDM volume 1, 3.4.1.1).
 */
export function setGpr(cpu: Cpu, register: Register, size: number, value: bigint): void {
  if (isHighByte(register)) {
    const whole = highBytes[register];
    cpu.gpr[whole] = (cpu.gpr[whole] & ~0xff00n) | (BigInt.asUintN(8, value) << 8n);
    return;
  }
  const before = cpu.gpr[register];
  cpu.gpr[register] =
    size >= 4
      ? BigInt.asUintN(8 * size, value)
      : before - BigInt.asUintN(8 * size, before) + BigInt.asUintN(8 * size, value);
}

/** The low `size` bytes of a register. */
export function getGpr(cpu: Cpu, register: Register, size: number): bigint {
  if (isHighByte(register)) return (cpu.gpr[highBytes[register]] >> 8n) & 0xffn;
  return BigInt.asUintN(8 * size, cpu.gpr[register]);
}

/**
 * Whether a condition of Jcc, SETcc and CMOVcc holds, by the low four bits of their opcodes (SDM volume 2, B.1.4.7).
 */
export function holds(condition: number, rflags: bigint): boolean {
  const has = (bits: bigint): boolean => (rflags & bits) !== 0n;
  const isLess = has(flag.sign) !== has(flag.overflow);
  const isTrue = [
    has(flag.overflow),
    has(flag.carry),
    has(flag.zero),
    has(flag.carry | flag.zero),
    has(flag.sign),
    has(flag.parity),
    isLess,
    isLess || has(flag.zero),
  ][condition >> 1];
  return isTrue === ((condition & 1) === 0);
}
