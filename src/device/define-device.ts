import type { GuestMemory } from '../server/guest-memory.ts';
import type { Interrupts } from './interrupts.ts';
import type { PciAddress } from './pci/address.ts';
import type { PciFunction, PciFunctionHandler } from './pci/pci-function.ts';
import { invalidRegion, type Region, type RegionHandler } from './region.ts';

/** Something that a device claims. */
export type Claim = Region | PciFunction;

/** What a device claims, by name. */
export type Regions = Readonly<Record<string, Claim>>;

/** What answers the accesses to a claim. */
export type HandlerOf<C extends Claim> = C extends PciFunction<infer B> ? PciFunctionHandler<B> : RegionHandler;

/** Where a claim goes: a port, a guest-physical address, or a {@link PciAddress}. */
export type PlaceOf<C extends Claim> = C extends PciFunction ? PciAddress : number;

/** What a device may use besides its options; given to `create`. */
export interface DeviceContext {
  /** The guest's memory, for DMA: guest-physical addresses, mapped when first touched. */
  readonly memory: GuestMemory;
  /** Lines and messages to the guest's interrupt controllers. */
  readonly interrupts: Interrupts;
  /**
   * Memory that all instances of this device share. A server with a worker per vCPU makes the device once in each: what
   * they keep in common lives here. Zeroed when the first one is made, which says how many bytes; only during `create`.
   *
   * @throws LabError `SHARED_STATE_DIFFERS` when instances ask for different names or sizes
   */
  shared(name: string, bytes: number): SharedArrayBuffer;
}

/** What a device can do besides answering, if it likes: methods beside its handlers. In the server's worker. */
export interface Abilities {
  /** Back to the state that `create` made. The library resets the PCI functions' configuration spaces itself. */
  reset?(): void;
  /** The device's state as JSON can hold it: what `restore` needs. */
  snapshot?(): unknown;
  /** Takes over a state that `snapshot` of the same kind of device gave, in another process maybe. */
  restore?(state: unknown): void;
  /**
   * The guest has set its clock: IOREQ_TYPE_TIMEOFFSET, which only servers with a buffered ring are sent.
   *
   * @param seconds by which it jumped forward, or back when they are negative
   */
  timeOffset?(seconds: number): void;
}

/** Names that regions cannot have. */
const abilityNames = ['reset', 'snapshot', 'restore', 'timeOffset'];

/** What `create` makes: a handler for each region, and abilities. */
export type DeviceInstance<R extends Regions = Regions> = { readonly [K in keyof R]: HandlerOf<R[K]> } & Abilities;

/** How options tell what a device claims: a method, so that a device of some options is a {@link Device}. */
interface RegionsFrom<R extends Regions, O> {
  of(options: O): R;
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
  /**
   * What it claims, by name, or a function that tells it from the options. Where each region goes is said when the device
   * is attached.
   */
  readonly regions: R | RegionsFrom<R, O>['of'];
  /**
   * Makes one device and its state: a handler for each region, and what {@link Abilities} it has. Runs in dom0, in the
   * worker of the server that the device is attached to; what it throws, `attach` throws in the scenario. `options` is `{}`
   * when none were given.
   */
  create(options: O, context: DeviceContext): DeviceInstance<R>;
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
 *
 * @throws LabError `REGION_INVALID` when a region is named as an ability
 */
export function defineDevice<const R extends Regions, O = Record<string, never>>(device: Device<R, O>): Device<R, O> {
  const { regions } = device;
  if (typeof regions !== 'function') checkRegionNames(device.name, regions);
  return device;
}

/** The regions of one device. @throws LabError `REGION_INVALID`, and what the device says about its options */
export function regionsOf<R extends Regions, O>(device: Device<R, O>, options: O): R {
  const regions = typeof device.regions === 'function' ? device.regions(options) : device.regions;
  checkRegionNames(device.name, regions);
  return regions;
}

function checkRegionNames(device: string, regions: Regions): void {
  const taken = abilityNames.find((name) => Object.hasOwn(regions, name));
  if (taken !== undefined) throw invalidRegion(`device ${device}: a region cannot be named ${taken}`);
}
