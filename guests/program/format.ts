/**
 * The byte format of access programs and their results: with `memory-map.ts` the one definition. `c-header.ts` makes the
 * guest's C header from it, so that guest and host cannot disagree; its `formatDigest` is part of every header in memory,
 * so that a guest that was built from another definition is noticed.
 */
import { layout } from './layout.ts';
import { CONSOLE_PORT, CONTROL, CONTROL_PORT, MAX_VCPUS, MEMORY, WINDOW } from './memory-map.ts';

export { CONSOLE_PORT, CONTROL, CONTROL_PORT, MAX_VCPUS, MEMORY, WINDOW };

/** First word of each structure in memory, readable in a dump. */
export const MAGIC = { boot: 0x4220_5149, program: 0x5020_5149, result: 0x5220_5149 } as const;

/** Opcodes of operations. `a`, `b`, `c` and `count` of {@link OPERATION} mean what the comment says. */
export const OPCODE = {
  /** a port, b initial RAX. */
  in: 1,
  /** a port, b RAX. */
  out: 2,
  /** a address, b initial RAX. */
  load: 3,
  /** a address, b RAX. */
  store: 4,
  /** a RDI, b port, count RCX; so for the other string operations. */
  ins: 5,
  /** a RSI, b port. */
  outs: 6,
  /** a RSI, b RDI. */
  movs: 7,
  /** a RDI, b RAX. */
  stos: 8,
  /** a RSI, b initial RAX. */
  lods: 9,
  /** a RDI, b RAX. */
  scas: 10,
  /** a RSI, b RDI. */
  cmps: 11,
  /** a leaf, b subleaf. */
  cpuid: 12,
  rdtsc: 13,
  /** a: TSC cycles to wait at most. */
  barrier: 14,
  /** a address in scratch memory, b byte, count bytes. */
  fill: 15,
  /** a address in scratch memory, b offset in the payload, count bytes. */
  write: 16,
  /** a address in scratch memory, count bytes. */
  read: 17,
  /** b offset in the payload of a {@link RAW_INPUT}, count its bytes. */
  raw: 18,
  /** `inner` and its a, b, size; c warm-up, count samples. */
  sample: 19,
  /** Triple fault on purpose. */
  crash: 20,
  /** a: TSC cycles to wait at most, b: port that each handler writes its vector to, 0 none; inner: whom it tells that it is done, `END`; count: interrupts at most, bytes of data. */
  interrupts: 21,
} as const;

/** Bits of {@link OPERATION}'s `flags`; `stamps` is SAMPLE's: the low half of the TSC in front of each sample. */
export const FLAG = { rep: 1, repne: 2, backward: 4, stamps: 8 } as const;

/** Whom a handler of interrupts tells that it is done: nobody, the local APIC, both 8259s. */
export const END = { none: 0, apic: 1, pic: 2 } as const;

/** How an operation ended. */
export const OUTCOME = { done: 0, fault: 1, timeout: 2 } as const;

/** How a program ended; everything but `ok` means that nothing of it was run. `detail` names the operation. */
export const STATUS = {
  ok: 0,
  badMagic: 1,
  badFormat: 2,
  badVcpu: 3,
  badLength: 4,
  badChecksum: 5,
  badOpcode: 6,
  badOperand: 7,
  ownMemory: 8,
  unsupported: 9,
} as const;

/** How the guest was started. */
export const ENVIRONMENT = { unknown: 0, hvm: 1, pvh: 2 } as const;

/** Bits of {@link BOOT_RECORD}'s `features`. */
export const FEATURE = { avx: 1, gibPages: 2, xen: 4 } as const;

/** Limits that both sides check. */
export const LIMIT = { rawCode: 64, vectors: 16, vectorBytes: 32, gpr: 16, interrupts: 1024 } as const;

/** Flags of RFLAGS that a raw operation may set: CF PF AF ZF SF DF OF. */
export const RAW_RFLAGS = 0xcd5;

/** Written by the guest at start, and again whenever a vCPU comes up. The checksum covers what precedes it. */
export const BOOT_RECORD = layout('boot_record', 112, {
  magic: 'u32',
  format: 'u32',
  environment: 'u32',
  /** Xen's version as CPUID leaf 0x40000001 gives it (major << 16 | minor); 0 when not under Xen. */
  xenVersion: 'u32',
  vcpusOnline: 'u32',
  /** Bit n: vCPU n is up. */
  vcpuMask: 'u32',
  features: 'u32',
  /** Guest-physical memory that is identity-mapped, in GiB. */
  mappedGib: 'u32',
  /** TSC cycles from the entry point to the first vCPU's readiness. */
  bootCycles: 'u64',
  /** One byte each: local APIC id. */
  apicIds: ['u8', MAX_VCPUS],
  reserved: ['u32', 13],
  checksum: 'u32',
});

/** In front of a program. The checksum covers what precedes it, then the operations and the payload. */
export const PROGRAM_HEADER = layout('program_header', 64, {
  magic: 'u32',
  format: 'u32',
  /** Number of this run, chosen by the host, the same for all participants; never 0. */
  sequence: 'u32',
  /** The vCPU whose window this is. */
  vcpu: 'u32',
  /** Bit n: vCPU n takes part in this run and meets the others at its barriers. */
  participants: 'u32',
  operationCount: 'u32',
  /** Bytes after the operations; a multiple of 8. */
  payloadBytes: 'u32',
  reserved: ['u32', 8],
  checksum: 'u32',
});

/** One operation of a program. */
export const OPERATION = layout('operation', 32, {
  opcode: 'u8',
  size: 'u8',
  flags: 'u8',
  inner: 'u8',
  count: 'u32',
  a: 'u64',
  b: 'u64',
  c: 'u64',
});

/** In front of the results. The checksum covers what precedes it, then the results and the data. */
export const RESULT_HEADER = layout('result_header', 64, {
  magic: 'u32',
  format: 'u32',
  sequence: 'u32',
  vcpu: 'u32',
  status: 'u32',
  /** Index of the operation that `status` is about; 0xffffffff when it is about none. */
  detail: 'u32',
  resultCount: 'u32',
  /** Bytes of the data area. */
  dataBytes: 'u32',
  /** TSC when the first operation began and when the last one ended. */
  started: 'u64',
  ended: 'u64',
  reserved: ['u32', 3],
  checksum: 'u32',
});

/** Result of one operation: the registers after it (at the fault, if it faulted). */
export const RESULT = layout('operation_result', 104, {
  opcode: 'u8',
  outcome: 'u8',
  /** Exception vector and error code; meaningful when `outcome` is `fault`. */
  vector: 'u8',
  reserved: 'u8',
  errorCode: 'u32',
  cycles: 'u64',
  rax: 'u64',
  rbx: 'u64',
  rcx: 'u64',
  rdx: 'u64',
  rsi: 'u64',
  rdi: 'u64',
  rflags: 'u64',
  /** Address of the instruction that faulted, and CR2 then. */
  rip: 'u64',
  cr2: 'u64',
  /** This result's piece of the data area. */
  dataOffset: 'u32',
  dataBytes: 'u32',
  /** Samples taken; fewer than asked for when one faulted. */
  samples: 'u32',
  reserved2: 'u32',
});

/** Payload of a raw operation: code and registers; `vectors` follow only when `vectorBytes` is not 0. */
export const RAW_INPUT = layout('raw_input', 208, {
  codeBytes: 'u8',
  /** Bytes of each vector register to load and store: 0, 16 (XMM) or 32 (YMM). */
  vectorBytes: 'u8',
  reserved: 'u16',
  reserved2: 'u32',
  code: ['u8', LIMIT.rawCode],
  rflags: 'u64',
  /** In the processor's order: RAX RCX RDX RBX RSP RBP RSI RDI R8..R15. RSP 0 keeps the guest's own stack. */
  gpr: ['u64', LIMIT.gpr],
});

/** Data of a raw operation's result; the vector registers follow when they were asked for. */
export const RAW_OUTPUT = layout('raw_output', 136, { rflags: 'u64', gpr: ['u64', LIMIT.gpr] });

/** Bytes of all vector registers, as they follow {@link RAW_INPUT} and {@link RAW_OUTPUT}. */
export const VECTOR_FILE_BYTES = LIMIT.vectors * LIMIT.vectorBytes;

/** Every structure of the format. */
export const STRUCTURES = [
  BOOT_RECORD,
  PROGRAM_HEADER,
  OPERATION,
  RESULT_HEADER,
  RESULT,
  RAW_INPUT,
  RAW_OUTPUT,
] as const;

/** Every group of constants, by the prefix of its C names. */
export const CONSTANTS = {
  memory: MEMORY,
  window: WINDOW,
  control: CONTROL,
  magic: MAGIC,
  op: OPCODE,
  flag: FLAG,
  end: END,
  outcome: OUTCOME,
  status: STATUS,
  environment: ENVIRONMENT,
  feature: FEATURE,
  limit: LIMIT,
  '': { maxVcpus: MAX_VCPUS, controlPort: CONTROL_PORT, consolePort: CONSOLE_PORT, rawRflags: RAW_RFLAGS },
} as const;
