import { regionsOf, type Device, type DeviceInstance, type Regions } from '../device/define-device.ts';
import type { PciFunctionHandler } from '../device/pci/pci-function.ts';
import type { RegionHandler } from '../device/region.ts';
import { LabError } from '../errors.ts';
import { overlap, type Dispatcher, type Placed } from './dispatcher.ts';
import type { GuestMemory } from './guest-memory.ts';
import type { InterruptLines } from './interrupt-lines.ts';
import { noInterrupt, PlacedFunction, type BarDecoder } from './pci-placement.ts';
import type { SharedState } from './shared-state.ts';

/** A stretch that Xen has to be told about. Both ends are included; a PCI function's are its SBDF. */
export interface Range {
  readonly label: string;
  readonly kind: 'port' | 'memory' | 'pci';
  readonly start: number;
  readonly end: number;
}

/** What a device has to do with on its server. */
export interface DevicePlace {
  readonly dispatcher: Dispatcher;
  readonly memory: GuestMemory;
  readonly lines: InterruptLines;
  readonly decoder: BarDecoder;
  /** What this device shares with its other instances. */
  readonly shared: SharedState;
}

/** A state that {@link AttachedDevice.snapshot} gave; JSON can hold it. */
export interface DeviceState {
  /** What the device's own `snapshot` said. */
  readonly state: unknown;
  /** Configuration space of each of its PCI functions: 256 bytes. */
  readonly functions: Readonly<Record<string, readonly number[]>>;
}

/** A device on a server. In the thread that serves. */
export class AttachedDevice {
  readonly name: string;
  /** What Xen has to be told of. */
  readonly ranges: readonly Range[];
  /** What the region's word of a request means: {@link Placed.index} and the label, of BARs too. */
  readonly labels: readonly (readonly [index: number, label: string])[];
  readonly #instance: DeviceInstance;
  readonly #functions: ReadonlyMap<string, PlacedFunction>;

  constructor(
    name: string,
    instance: DeviceInstance,
    placed: readonly Placed[],
    made: ReadonlyMap<string, PlacedFunction>,
  ) {
    this.name = name;
    this.#instance = instance;
    this.#functions = made;
    this.labels = placed.map(({ index, label }) => [index, label]);
    const sbdfs = new Map([...made.values()].map((one) => [one.placed, one.sbdf]));
    this.ranges = placed
      .filter(({ isPlaced }) => isPlaced)
      .map((one) => {
        const { label, kind, base, end } = one;
        const sbdf = sbdfs.get(one);
        return sbdf === undefined ? { label, kind, start: base, end } : { label, kind, start: sbdf, end: sbdf };
      });
  }

  /** Back to the state in which it was made. @throws LabError `ABILITY_MISSING` */
  reset(): void {
    if (this.#instance.reset === undefined) throw this.#lacks('reset');
    this.#instance.reset();
    for (const one of this.#functions.values()) one.reset();
  }

  /** @throws LabError `ABILITY_MISSING` */
  snapshot(): DeviceState {
    if (this.#instance.snapshot === undefined) throw this.#lacks('snapshot');
    const functions = Object.fromEntries([...this.#functions].map(([name, one]) => [name, one.snapshot()]));
    return { state: this.#instance.snapshot(), functions };
  }

  /** @throws LabError `ABILITY_MISSING` */
  restore({ state, functions }: DeviceState): void {
    if (this.#instance.restore === undefined) throw this.#lacks('restore');
    for (const [name, one] of this.#functions) one.restore(functions[name] ?? []);
    this.#instance.restore(state);
  }

  #lacks(ability: string): LabError {
    return new LabError(`device ${this.name} has no ${ability}`, {
      blame: 'scenario',
      code: 'ABILITY_MISSING',
      next: `let what its create returns have a method ${ability}`,
    });
  }
}

/**
 * Makes a device and puts its regions into a dispatcher, all of them or none. Xen is not told: see
 * {@link AttachedDevice.ranges}.
 *
 * @param at address of each region; of a PCI function, its SBDF
 * @throws LabError `REGION_UNKNOWN`, `REGION_NOT_PLACED`, `REGION_OUT_OF_RANGE`, `REGION_OVERLAP`, `REGION_INVALID`,
 * `HANDLER_INCOMPLETE`, `PCI_ADDRESS_INVALID`, `INTERRUPT_INVALID`; and what the device's `create` throws
 */
export function attachDevice(
  device: Device,
  options: unknown,
  at: Readonly<Record<string, number>>,
  place: DevicePlace,
): AttachedDevice {
  const given = options ?? {};
  const regions = regionsOf(device, given);
  checkPlaces(device.name, regions, at);
  const functions = new Map<string, PlacedFunction>();
  for (const [name, claim] of Object.entries(regions)) {
    if (claim.kind !== 'pci') continue;
    functions.set(name, new PlacedFunction(`${device.name}.${name}`, claim, at[name] ?? 0, place));
  }
  const instance = device.create(given, contextOf(device.name, functions, place));
  const placed: Placed[] = [];
  try {
    for (const [name, claim] of Object.entries(regions)) {
      const handler = instance[name];
      const base = at[name];
      if (base === undefined || handler === undefined) throw notPlaced(device.name, name);
      const made = functions.get(name);
      const own =
        claim.kind === 'pci'
          ? made?.placed
          : place.dispatcher.declare(`${device.name}.${name}`, claim, handler as RegionHandler);
      if (own === undefined) continue;
      const other = place.dispatcher.place(own, base);
      if (other !== undefined) throw overlap(own, base, other);
      placed.push(own);
      if (made !== undefined) placed.push(...made.connect(handler as PciFunctionHandler));
    }
  } catch (error) {
    for (const one of functions.values()) one.remove();
    for (const one of placed) place.dispatcher.displace(one);
    throw error;
  }
  if (instance.timeOffset !== undefined) place.dispatcher.onTimeOffset((seconds) => instance.timeOffset?.(seconds));
  return new AttachedDevice(device.name, instance, placed, functions);
}

function contextOf(
  device: string,
  functions: ReadonlyMap<string, PlacedFunction>,
  { memory, lines, shared }: DevicePlace,
): Parameters<Device['create']>[1] {
  const functionOf = (region: string | undefined): PlacedFunction => {
    const [only] = functions.size === 1 ? functions.values() : [];
    const found = region === undefined ? only : functions.get(region);
    if (found !== undefined) return found;
    throw noInterrupt(
      `device ${device}`,
      region === undefined ? 'has not one PCI function' : `has no PCI function ${region}`,
    );
  };
  return {
    memory,
    shared: (name, bytes) => shared.get(name, bytes),
    interrupts: {
      hasIsa: lines.hasIsa,
      isa: (irq) => lines.isa(irq),
      intx: (region) => functionOf(region).line,
      msi: (region) => functionOf(region).messages,
      sendMsi: (address, data) => lines.sendMsi(address, data),
      setPciLinkRoute: (link, irq) => lines.setPciLinkRoute(link, irq),
    },
  };
}

function checkPlaces(device: string, regions: Regions, at: Readonly<Record<string, number>>): void {
  const extra = Object.keys(at).find((region) => !Object.hasOwn(regions, region));
  if (extra !== undefined) {
    throw new LabError(`device ${device} has no region ${extra}; it has: ${Object.keys(regions).join(', ')}`, {
      blame: 'scenario',
      code: 'REGION_UNKNOWN',
    });
  }
  const missing = Object.keys(regions).find((region) => at[region] === undefined);
  if (missing !== undefined) throw notPlaced(device, missing);
}

function notPlaced(device: string, region: string): LabError {
  return new LabError(`device ${device}: region ${region} needs an address in \`at\` and a handler`, {
    blame: 'scenario',
    code: 'REGION_NOT_PLACED',
  });
}
