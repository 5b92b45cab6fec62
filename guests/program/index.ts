/** Access programs: what they consist of, how to build them, and how they travel to a guest and back. */
export { GUEST_OWN, HOLE_ABOVE_4G, HOLE_BELOW_4G, SCRATCH, windowAddress, type AddressRange } from './addresses.ts';
export { BOOT_RECORD_BYTES, decodeBootRecord, type BootRecord } from './boot-record.ts';
export * from './builder-options.ts';
export { ProgramBuilder } from './builder.ts';
export { formatDigest } from './c-header.ts';
export { decodeResults, resultBytes, type ExpectedRun } from './decode.ts';
export { encodeProgram, type RunOptions } from './encode.ts';
export { programFromText } from './from-text.ts';
export { CONSOLE_PORT, CONTROL, CONTROL_PORT, LIMIT, MAX_VCPUS, MEMORY, WINDOW } from './format.ts';
export * from './operation.ts';
export { MAX_SAMPLES } from './program-layout.ts';
export * from './results.ts';
export { Sampled } from './sampled.ts';
export { operationToText, programToText } from './to-text.ts';
