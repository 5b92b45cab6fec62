/** What a device-model author tests devices with: a guest on the model of Xen, in the test's own process. */
export type { InterruptsSeen } from '../model/in-process/model-addon.ts';
export { readTrace, type TraceRecord } from '../trace/record.ts';
export type { Attach, Attached, AttachOptions } from '../device/attach.ts';
export type { DeviceState } from '../server/attach-device.ts';
export { createTestGuest, type TestGuestOptions } from './create-test-guest.ts';
export type {
  AccessOptions,
  ConfigSpace,
  PortStringOptions,
  MemoryStringOptions,
  StoreStringOptions,
  TestGuest,
} from './test-guest.ts';
