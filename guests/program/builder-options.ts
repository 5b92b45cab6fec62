import type { GprName, MemorySize, PortSize, Repeat } from './operation.ts';

/** An address or a register's value: a number below 2^53, or a bigint. */
export type Quantity = number | bigint;

/** What every string operation can be told; `repeat` is set by the `rep...` methods. */
export interface StringOptions {
  /** RFLAGS.DF: step downwards. Default false. */
  readonly backward?: boolean;
  /** RCX; default 1. */
  readonly count?: number;
  /** Default `none`. */
  readonly repeat?: Repeat;
}

/** Options of `ProgramBuilder.ins`. */
export interface InsOptions extends StringOptions {
  /** 0 to 0xffff. */
  readonly port: number;
  /** Bytes of one repetition. */
  readonly size: PortSize;
  /** RDI: guest-physical address of the first element. */
  readonly destination: Quantity;
}

/** Options of `ProgramBuilder.outs`. */
export interface OutsOptions extends StringOptions {
  /** 0 to 0xffff. */
  readonly port: number;
  /** Bytes of one repetition. */
  readonly size: PortSize;
  /** RSI: guest-physical address of the first element. */
  readonly source: Quantity;
}

/** Options of `ProgramBuilder.movs` and `ProgramBuilder.cmps`. */
export interface MovsOptions extends StringOptions {
  /** Bytes of one repetition. */
  readonly size: MemorySize;
  /** RSI: guest-physical address of the first element. */
  readonly source: Quantity;
  /** RDI: guest-physical address of the first element. */
  readonly destination: Quantity;
}

/** Options of `ProgramBuilder.stos` and `ProgramBuilder.scas`. */
export interface StosOptions extends StringOptions {
  /** Bytes of one repetition. */
  readonly size: MemorySize;
  /** RDI: guest-physical address of the first element. */
  readonly destination: Quantity;
  /** RAX; for `stos` it fits in `size` bytes. */
  readonly value: Quantity;
}

/** Options of `ProgramBuilder.lods`. */
export interface LodsOptions extends StringOptions {
  /** Bytes of one repetition. */
  readonly size: MemorySize;
  /** RSI: guest-physical address of the first element. */
  readonly source: Quantity;
  /** RAX before the instruction; default 0. */
  readonly rax?: Quantity;
}

/** Options of `ProgramBuilder.raw`. */
export interface RawOptions {
  /** Registers not named are 0; RSP 0 is the guest's own stack. */
  readonly registers?: Readonly<Partial<Record<GprName, Quantity>>>;
  /** Only CF PF AF ZF SF DF OF; default 0. */
  readonly rflags?: Quantity;
  /** Bytes of each vector register that are loaded and reported: none (the default), XMM or YMM. */
  readonly vectorBytes?: 0 | 16 | 32;
  /** By register number; each of `vectorBytes` bytes. */
  readonly vectors?: Readonly<Record<number, Uint8Array>>;
}
