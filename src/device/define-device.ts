import type { GuestMemory } from '../server/guest-memory.ts';
import type { Region, RegionHandler } from './region.ts';

/** The regions of a device, by name. */
export type Regions = Readonly<Record<string, Region>>;

/** What a device may use besides its options; given to `create`. */
export interface DeviceContext {
  /** The guest's memory, for DMA: guest-physical addresses, mapped when first touched. */
  readonly memory: GuestMemory;
}

/**
 * A kind of device: what it claims, and how to make one.
 *
 * @typeParam R its regions
 * @typeParam O its options; they travel as JSON
 */
export interface Device<R extends Regions = Regions, O = unknown> {
  /** Unique among all `*.device.ts` files: by it the orchestrator names the device to dom0. */
  readonly name: string;
  /** What it claims, by name. Where each region goes is said when the device is attached. */
  readonly regions: R;
  /**
   * Makes one device and its state: a handler for each region. Runs in dom0, in the worker of the server that the device
   * is attached to; what it throws, `attach` throws in the scenario. `options` is `{}` when none were given.
   */
  create(options: O, context: DeviceContext): { readonly [K in keyof R]: RegionHandler };
}

/**
 * Defines a device. Put it into a file `<name>.device.ts` and export it as the default.
 *
 * @example
 * ```ts
 * import { defineDevice, port } from 'ioreqlab/device';
 *
 * export default defineDevice({
 *   name: 'example-counter',
 *   regions: { count: port({ size: 4 }) },
 *   create() {
 *     let reads = 0;
 *     return { count: { read: () => ++reads } };
 *   },
 * });
 * ```
 */
export function defineDevice<const R extends Regions, O = Record<string, never>>(device: Device<R, O>): Device<R, O> {
  return device;
}
