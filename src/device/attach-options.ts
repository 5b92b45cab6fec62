import type { DeviceState } from '../server/attach-device.ts';
import type { PlaceOf, Regions } from './define-device.ts';

/** How a device is put in place. */
export interface AttachOptions<R extends Regions, O> {
  /** Port, guest-physical address or PCI address (`'00:05.0'`) of each region. */
  readonly at: { readonly [K in keyof R]: PlaceOf<R[K]> };
  /** For the device's `create`; what JSON can hold. Default `{}`. */
  readonly options?: O;
  /**
   * The ioreq server that owns it; made when it is first named. Default `main`. An HVM guest has room for six, since QEMU and
   * the control port have one each; a PVH guest for seven.
   */
  readonly server?: string;
}

/** A device on a server. */
export interface Attached {
  /** Back to the state in which it was made. @throws LabError `ABILITY_MISSING` */
  reset(): Promise<void>;
  /** The state of the device and of its PCI functions. @throws LabError `ABILITY_MISSING` */
  snapshot(): Promise<DeviceState>;
  /** Takes over a state that the same kind of device gave. @throws LabError `ABILITY_MISSING` */
  restore(state: DeviceState): Promise<void>;
}
