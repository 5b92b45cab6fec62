/** Where host and guest meet: guest-physical memory and two ports. Part of the definition that `format.ts` describes. */

/** Most vCPUs that a guest can have. */
export const MAX_VCPUS = 16;

/** Guest-physical addresses. A guest has 64 MiB of RAM and needs 48; nothing below 32 MiB belongs to programs. */
export const MEMORY = {
  /** Where the guest's ELF is loaded. */
  imageBase: 0x0010_0000,
  /** The BOOT_RECORD of `format.ts`, one page. */
  bootRecord: 0x00ff_f000,
  /** One mailbox window per vCPU, one after the other. */
  windowBase: 0x0100_0000,
  windowStride: 0x0010_0000,
  /** RAM that programs may use as they like. */
  scratchBase: 0x0200_0000,
  scratchSize: 0x0100_0000,
} as const;

/** Offsets in a window. The host writes the program region, the guest the others. */
export const WINDOW = {
  /** PROGRAM_HEADER, then the operations, then their payload. */
  programOffset: 0,
  programSize: 0x1_e000,
  /** Where the bytes of a raw operation are executed. */
  codeOffset: 0x1_e000,
  /** RESULT_HEADER, then the results, then (64-byte aligned) their data: samples, memory, registers. */
  resultOffset: 0x1_f000,
  resultSize: 0xe_1000,
  /** Alignment of the data area and of every piece in it, so that all samples meet the cache lines alike. */
  dataAlignment: 64,
} as const;

/** The control port: four bytes wide, the same for all vCPUs; read by a vCPU that has nothing to do. */
export const CONTROL_PORT = 0xe500;

/** What the control port may answer. Anything else makes the guest read again. */
export const CONTROL = {
  /** Run it only if its sequence is not the last one that was run; for stand-ins that cannot hold an answer back. */
  runIfNew: 0,
  /** Run the program in this vCPU's window. */
  run: 1,
  /** Stop this vCPU; under Xen the domain powers off once all have stopped. */
  stop: 2,
  /** What a port reads that nobody owns: the guest says so on its console and stops. */
  nobody: 0xffff_ffff,
} as const;

/** Port of Xen's debug console (XEN_HVM_DEBUGCONS_IOPORT): bytes written there appear in Xen's log, line by line. */
export const CONSOLE_PORT = 0xe9;
