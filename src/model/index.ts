export { BufferedPage } from '../abi/buffered-page.ts';
export { bufferedSlots, frameBytes, ioreqState, ioreqType } from '../abi/ioreq.ts';
export { type Ioreq, IoreqSlot } from '../abi/ioreq-slot.ts';
export { type BufferedEntry, bufferedMode, takeBuffered } from './xen/buffered-ring.ts';
export type { DeviceModelCalls } from './xen/device-model-calls.ts';
export type { Access, Domain, DomainOptions, Progress } from './xen/domain.ts';
export { Hypervisor, model } from './xen/hypervisor.ts';
export { rangeType } from './xen/ioreq-server.ts';
export { maxRanges } from './xen/rangeset.ts';
export { maxServers, resourceFrame, type ServerInfo } from './xen/servers.ts';
export { type XenChangeName, xenChanges, type XenFacts } from './xen/versions.ts';
export { type XenErrno, XenError } from './xen/xen-error.ts';
export {
  type Expected,
  type ExpectedAccess,
  type FrameArea,
  type GuestState,
  ModelledGuest,
  type Step,
} from './conformance.ts';
export type { ModelOp } from './xen/dm-op-call.ts';
export type { ProbedAccess } from '../server/dm-op-probe.ts';
export { type Cpu, execute, type Instruction, makeCpu, type Outcome, rulesOf, type World } from './oracle/index.ts';
