import type { Device } from '../../device/define-device.ts';
import type { Answer, IoRequest } from '../oracle/index.ts';
import type { XenSide } from './xen-side.ts';

/** A request's way from the guest into Xen, and its answer's way back. */
export type Send = (vcpu: number, request: IoRequest) => Answer;

/**
 * Places at which something can be put between guest, Xen and devices: for tests that must see a suite fail when one of
 * them is wrong.
 */
export interface Seams {
  readonly send?: (send: Send) => Send;
  /** Xen as device models see it. */
  readonly xen?: (side: XenSide) => XenSide;
  readonly device?: (device: Device) => Device;
}
