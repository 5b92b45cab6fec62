import type { GprName, Operation } from './operation.ts';

/** Names of the exceptions by vector (SDM 3A, table 6-1). */
export const EXCEPTION_NAMES: Readonly<Record<number, string>> = {
  0: '#DE',
  1: '#DB',
  2: 'NMI',
  3: '#BP',
  4: '#OF',
  5: '#BR',
  6: '#UD',
  7: '#NM',
  8: '#DF',
  10: '#TS',
  11: '#NP',
  12: '#SS',
  13: '#GP',
  14: '#PF',
  16: '#MF',
  17: '#AC',
  18: '#MC',
  19: '#XM',
  20: '#VE',
  21: '#CP',
  28: '#HV',
  29: '#VC',
  30: '#SX',
};

/** An exception that an operation's instruction raised. */
export interface Fault {
  /** 0 to 31. */
  readonly vector: number;
  /** Such as `#GP`; `#13` style for a vector without a name. */
  readonly name: string;
  /** 0 for exceptions that have none. */
  readonly errorCode: number;
  /** Address of the instruction. */
  readonly rip: bigint;
  /** CR2: for a page fault the address of the access. */
  readonly address: bigint;
}

/** All registers after a raw operation. */
export interface RawRegisters {
  readonly gpr: Readonly<Record<GprName, bigint>>;
  readonly rflags: bigint;
  /** One per vector register, when they were asked for. */
  readonly vectors: readonly Uint8Array[];
}

/** What one operation did. The registers are those after it, or at the fault. */
export interface OperationResult {
  readonly op: Operation['op'];
  /** The low `size` bytes of RAX, at most 32 bits: what was read or written. Without a size: EAX. */
  readonly value: number;
  readonly rax: bigint;
  readonly rbx: bigint;
  readonly rcx: bigint;
  readonly rdx: bigint;
  readonly rsi: bigint;
  readonly rdi: bigint;
  readonly rflags: bigint;
  /** TSC cycles around the instruction; exact below 2^53. */
  readonly cycles: number;
  /** Missing when the instruction came to its end. */
  readonly fault?: Fault;
  /** A barrier that waited in vain. */
  readonly timedOut?: true;
  /** Of `sample`: TSC cycles of each turn, 0xffffffff for that or more; fewer than asked for after a fault. */
  readonly samples?: Uint32Array;
  /** Of `sample` with `stamps`: the TSC when each of those turns began; exact below 2^53. */
  readonly starts?: Float64Array;
  /** Of `read`. */
  readonly bytes?: Uint8Array;
  /** Of `raw`. */
  readonly registers?: RawRegisters;
}

/** What one run of a program on one vCPU gave. */
export interface ProgramResults {
  /** The vCPU that ran it. */
  readonly vcpu: number;
  /** Number of the run. */
  readonly sequence: number;
  /** TSC before the first operation. */
  readonly started: bigint;
  /** TSC after the last operation. */
  readonly ended: bigint;
  /** One per operation. */
  readonly results: readonly OperationResult[];
}
