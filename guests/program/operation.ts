import { gprNames, type Gpr } from '../../src/abi/registers.ts';

/** Bytes of a port access. */
export type PortSize = 1 | 2 | 4;
/** Bytes of a memory access. */
export type MemorySize = 1 | 2 | 4 | 8;

/** General registers of a raw operation. */
export const GPR_NAMES: typeof gprNames = gprNames;
/** One of {@link GPR_NAMES}. */
export type GprName = Gpr;

/** Reads a port. */
export interface InOperation {
  readonly op: 'in';
  readonly port: number;
  readonly size: PortSize;
  /** RAX before the instruction, so that its effect on RAX's other bytes can be seen. */
  readonly rax: bigint;
}

/** Writes a port. */
export interface OutOperation {
  readonly op: 'out';
  readonly port: number;
  readonly size: PortSize;
  /** Whole RAX: the low `size` bytes are the value written. */
  readonly rax: bigint;
}

/** Reads memory by MOV into RAX. */
export interface LoadOperation {
  readonly op: 'load';
  readonly address: bigint;
  readonly size: MemorySize;
  /** RAX before the instruction. */
  readonly rax: bigint;
}

/** Writes memory by MOV from RAX. */
export interface StoreOperation {
  readonly op: 'store';
  readonly address: bigint;
  readonly size: MemorySize;
  /** Whole RAX: the low `size` bytes are the value written. */
  readonly rax: bigint;
}

/** Which repeat prefix a string instruction has; `repne` only for `scas` and `cmps`. */
export type Repeat = 'none' | 'rep' | 'repne';

interface StringOperation<Op extends string, Size extends number> {
  readonly op: Op;
  /** Bytes of one repetition. */
  readonly size: Size;
  readonly repeat: Repeat;
  /** RFLAGS.DF: addresses step downwards. */
  readonly backward: boolean;
  /** RCX. */
  readonly count: number;
}

/** Port to memory at `destination` (RDI). */
export interface InsOperation extends StringOperation<'ins', PortSize> {
  readonly port: number;
  readonly destination: bigint;
}

/** Memory at `source` (RSI) to port. */
export interface OutsOperation extends StringOperation<'outs', PortSize> {
  readonly port: number;
  readonly source: bigint;
}

/** Memory to memory. */
export interface MovsOperation extends StringOperation<'movs', MemorySize> {
  readonly source: bigint;
  readonly destination: bigint;
}

/** RAX to memory. */
export interface StosOperation extends StringOperation<'stos', MemorySize> {
  readonly destination: bigint;
  readonly rax: bigint;
}

/** Memory to RAX. */
export interface LodsOperation extends StringOperation<'lods', MemorySize> {
  readonly source: bigint;
  readonly rax: bigint;
}

/** Compares RAX with memory at `destination` (RDI). */
export interface ScasOperation extends StringOperation<'scas', MemorySize> {
  readonly destination: bigint;
  readonly rax: bigint;
}

/** Compares memory with memory. */
export interface CmpsOperation extends StringOperation<'cmps', MemorySize> {
  readonly source: bigint;
  readonly destination: bigint;
}

/** Executes CPUID with EAX `leaf` and ECX `subleaf`. */
export interface CpuidOperation {
  readonly op: 'cpuid';
  readonly leaf: number;
  readonly subleaf: number;
}

/** Executes RDTSC. */
export interface RdtscOperation {
  readonly op: 'rdtsc';
}

/** Waits for all participants of the run. */
export interface BarrierOperation {
  readonly op: 'barrier';
  /** TSC cycles; the operation ends with `timedOut` then. */
  readonly timeoutCycles: bigint;
}

/** Sets every byte of a piece of scratch memory. */
export interface FillOperation {
  readonly op: 'fill';
  readonly address: bigint;
  readonly length: number;
  readonly byte: number;
}

/** Puts bytes into scratch memory. */
export interface WriteOperation {
  readonly op: 'write';
  readonly address: bigint;
  readonly bytes: Uint8Array;
}

/** Reports a piece of scratch memory. */
export interface ReadOperation {
  readonly op: 'read';
  readonly address: bigint;
  readonly length: number;
}

/** Executes machine code with all registers given. */
export interface RawOperation {
  readonly op: 'raw';
  /** At most 64 bytes; control falls off their end. */
  readonly code: Uint8Array;
  /** Registers not named are 0; RSP 0 is the guest's own stack. */
  readonly registers: Readonly<Partial<Record<GprName, bigint>>>;
  readonly rflags: bigint;
  /** Bytes of each vector register that are loaded and reported: none, XMM or YMM. */
  readonly vectorBytes: 0 | 16 | 32;
  /** By register number; those not named are 0. */
  readonly vectors: Readonly<Record<number, Uint8Array>>;
}

/** Lets interrupts come, and reports them. */
export interface InterruptsOperation {
  readonly op: 'interrupts';
  /** It ends when so many have come: 1 to 1024. */
  readonly count: number;
  /** TSC cycles; the operation ends with `timedOut` then. */
  readonly timeoutCycles: bigint;
  /** A port to which each handler writes its vector, 4 bytes, before it ends: whoever raised a line can lower it. */
  readonly acknowledge?: number;
  /** Whom a handler tells that it is done: nobody, the local APIC, or both 8259s. */
  readonly end: 'none' | 'apic' | 'pic';
}

/** Triple-faults the guest. */
export interface CrashOperation {
  readonly op: 'crash';
}

/** What {@link SampleOperation} can repeat. */
export type SampledOperation =
  InOperation | OutOperation | LoadOperation | StoreOperation | CpuidOperation | RdtscOperation;

/** Repeats one operation and keeps the duration of each turn. */
export interface SampleOperation {
  readonly op: 'sample';
  /** `rdtsc` stands for the empty loop: its figure is that of the measuring itself. */
  readonly inner: SampledOperation;
  /** Turns before the first that counts. */
  readonly warmup: number;
  /** Turns that count: 4 bytes of results each, see {@link MAX_SAMPLES}; 8 with `stamps`. */
  readonly count: number;
  /** Whether the TSC at the start of each turn is kept as well. */
  readonly stamps: boolean;
}

/** One operation of an access program. Addresses are guest-physical (the guest's memory is mapped one to one). */
export type Operation =
  | SampledOperation
  | InsOperation
  | OutsOperation
  | MovsOperation
  | StosOperation
  | LodsOperation
  | ScasOperation
  | CmpsOperation
  | BarrierOperation
  | FillOperation
  | WriteOperation
  | ReadOperation
  | RawOperation
  | SampleOperation
  | InterruptsOperation
  | CrashOperation;

/** Operations that can carry a repeat prefix. */
export type AnyStringOperation = Extract<Operation, { readonly repeat: Repeat }>;

/** An access program: what one vCPU executes in one run. Immutable; made by `ProgramBuilder` or `programFromText`. */
export interface Program {
  /** In the order in which they are executed. */
  readonly operations: readonly Operation[];
}
