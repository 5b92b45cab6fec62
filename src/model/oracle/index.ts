/** From an instruction to the requests that Xen makes of it, and what the guest then sees. */
export { checkTrace } from './check-trace.ts';
export type {
  DeviceMemory,
  KnownDevices,
  OracleRun,
  OracleStep,
  SeenState,
  TraceRange,
  TraceServer,
  TraceSetup,
} from './check-trace.ts';
export { gprNames, type Gpr } from '../../abi/registers.ts';
export { flag, makeCpu, type Cpu } from './cpu.ts';
export { type Comparison, describeRequest, formatComparisons, type Row, type RowSubject } from './describe.ts';
export { decode, type Decoded } from './decode.ts';
export { execute, executeCode } from './execute.ts';
export { type Handling, handlingOf, type Platform } from './handlers.ts';
export type {
  Combination,
  Instruction,
  Modification,
  Operand,
  Outcome,
  PortWidth,
  Repetition,
  Width,
} from './instruction.ts';
export { rulesOf, type OracleRules, type OracleVersion } from './rules.ts';
export type { Answer, IoRequest, World } from './world.ts';
