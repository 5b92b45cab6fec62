/** What a scenario imports. */
export { expect } from 'vitest';
export {
  HOLE_ABOVE_4G,
  HOLE_BELOW_4G,
  ProgramBuilder,
  SCRATCH,
  type OperationResult,
  type Program,
  type ProgramResults,
  type Sampled,
  type SampledOperation,
} from '../../guests/program/index.ts';
export type { ServerOptions, Waiting } from '../../src/server/server-options.ts';
export type { GuestSession, ServerReport } from '../host/guest-session.ts';
export { readTrace, type TraceRecord } from '../../src/trace/record.ts';
export type { Attach, Attached, AttachOptions } from '../../src/device/attach.ts';
export { faultAnswer, type FaultSeen, type FaultSetup, type FaultStep } from '../../src/server/fault-step.ts';
export type { KnownDifference } from './known.ts';
export type { DeviceModel } from './device-model.ts';
export type { DeviceState } from '../../src/server/attach-device.ts';
export { splitRoundTrips, type RoundTrips } from './round-trip.ts';
export type { ClockOffset } from '../host/clock-exchange.ts';
export { memory, pciFunction, ports } from './ranges.ts';
export { scenario, type ScenarioFixtures, type ScenarioOptions } from './scenario.ts';
export type { TraceRange } from '../../src/model/oracle/check-trace.ts';
export { rulesOf, type OracleRules } from '../../src/model/oracle/rules.ts';
