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

/**
 * Writes the low `size` bytes of a register as an instruction does: four bytes clear the upper half, one and two leave
 * the rest (SDM volume 1, 3.4.1.1).
 */
export function setGpr(cpu: Cpu, register: Gpr, size: number, value: bigint): void {
  const before = cpu.gpr[register];
  cpu.gpr[register] =
    size >= 4
      ? BigInt.asUintN(8 * size, value)
      : before - BigInt.asUintN(8 * size, before) + BigInt.asUintN(8 * size, value);
}

/** The low `size` bytes of a register. */
export function getGpr(cpu: Cpu, register: Gpr, size: number): bigint {
  return BigInt.asUintN(8 * size, cpu.gpr[register]);
}
