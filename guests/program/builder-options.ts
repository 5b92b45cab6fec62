import type { GprName, MemorySize, PortSize, Repeat } from './operation.ts';

/** An address or a register's value: a number below 2^53, or a bigint. */
export type Quantity = number | bigint;

/** What every string operation can be told; `repeat` is set by the `rep...` methods. */
export interface StringOptions {
  /** RFLAGS.DF: step downwards. Default false. */
  readonly backward?: boolean;
  /** RCX; default 1. */
  readonly count?: number;
  readonly repeat?: Repeat;
}

/** Options of `ProgramBuilder.ins`. */
export interface InsOptions extends StringOptions {
  readonly port: number;
  readonly size: PortSize;
  readonly destination: Quantity;
}

/** Options of `ProgramBuilder.outs`. */
export interface OutsOptions extends StringOptions {
  readonly port: number;
  readonly size: PortSize;
  readonly source: Quantity;
}

/** Options of `ProgramBuilder.movs` and `ProgramBuilder.cmps`. */
export interface MovsOptions extends StringOptions {
  readonly size: MemorySize;
  readonly source: Quantity;
  readonly destination: Quantity;
}

/** Options of `ProgramBuilder.stos` and `ProgramBuilder.scas`: `value` is RAX. */
export interface StosOptions extends StringOptions {
  readonly size: MemorySize;
  readonly destination: Quantity;
  readonly value: Quantity;
}

/** Options of `ProgramBuilder.lods`: `rax` before the instruction. */
export interface LodsOptions extends StringOptions {
  readonly size: MemorySize;
  readonly source: Quantity;
  readonly rax?: Quantity;
}

/** Options of `ProgramBuilder.raw`. */
export interface RawOptions {
  readonly registers?: Readonly<Partial<Record<GprName, Quantity>>>;
  /** Only CF PF AF ZF SF DF OF. */
  readonly rflags?: Quantity;
  readonly vectorBytes?: 0 | 16 | 32;
  /** By register number; each of `vectorBytes` bytes. */
  readonly vectors?: Readonly<Record<number, Uint8Array>>;
}
