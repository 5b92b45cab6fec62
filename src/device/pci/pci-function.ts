import { checkAccess, invalidRegion, type AccessWidth, type Alignment, type RegionHandler } from '../region.ts';

/** A base address register of a PCI function: a region that the guest places. */
export interface Bar {
  readonly kind: 'io' | 'memory32' | 'memory64';
  /** Bytes: a power of two. */
  readonly size: number;
  readonly prefetchable: boolean;
  readonly widths: readonly AccessWidth[];
  readonly alignment: Alignment;
}

/** Options of {@link bar}. */
export interface BarOptions {
  /** `memory64` takes two of the six registers. */
  readonly kind: Bar['kind'];
  /** Bytes: a power of two; 4 to 256 for `io`, 16 to 2 GiB for `memory32`, 16 to 2^40 for `memory64`. */
  readonly size: number;
  /** Default false; memory only. */
  readonly prefetchable?: boolean;
  /** Default 1, 2 and 4; as in a {@link Region}. */
  readonly widths?: readonly AccessWidth[];
  /** Default `any`. */
  readonly alignment?: Alignment;
}

/** The BARs of a function, by name, in the order of their registers. */
export type Bars = Readonly<Record<string, Bar>>;

/** What a device claims of PCI: one function, with the address registers by which the guest places the rest. */
export interface PciFunction<B extends Bars = Bars> {
  readonly kind: 'pci';
  readonly vendor: number;
  readonly device: number;
  readonly revision: number;
  /** Class, subclass and programming interface: 24 bits. */
  readonly class: number;
  readonly subsystem: { readonly vendor: number; readonly device: number };
  readonly interruptPin: InterruptPin | undefined;
  readonly multifunction: boolean;
  readonly bars: B;
  readonly msi: { readonly vectors: MsiVectors; readonly offset: number } | undefined;
  readonly registers: { readonly offset: number; readonly size: number } | undefined;
}

/** Options of {@link pciFunction}. */
export interface PciFunctionOptions<B extends Bars> {
  /** Vendor ID. */
  readonly vendor: number;
  /** Device ID. */
  readonly device: number;
  /** Class, subclass and programming interface: 24 bits, such as 0xff0000. */
  readonly class: number;
  /** Revision ID; default 0. */
  readonly revision?: number;
  /** Default: vendor and device once more. */
  readonly subsystem?: { readonly vendor: number; readonly device: number };
  /** The line of `interrupts.intx()`. Such a function must be on bus 0 of segment 0: Xen has no other lines. */
  readonly interruptPin?: InterruptPin;
  /** Sets the bit that says that the device has more functions than number 0. Default false. */
  readonly multifunction?: boolean;
  /** By name; handlers get offsets into them. Default none. */
  readonly bars?: B;
  /** A capability for message-signalled interrupts, at configuration offset 0x40 unless `offset` says another. */
  readonly msi?: { readonly vectors?: MsiVectors; readonly offset?: number };
  /** Configuration registers that the device answers itself, by its `config` handler: multiples of 4, from 0x40 on. */
  readonly registers?: { readonly offset: number; readonly size: number };
}

/** INTA# to INTD#. */
export type InterruptPin = 'A' | 'B' | 'C' | 'D';

/** How many messages a function may send: a power of two. */
export type MsiVectors = 1 | 2 | 4 | 8 | 16 | 32;

/** Answers the accesses to a PCI function. */
export interface PciFunctionHandler<B extends Bars = Bars> {
  /** Of each BAR; offsets from its start, wherever the guest has put it. */
  readonly bars: { readonly [K in keyof B]: RegionHandler };
  /** Of the function's own `registers`; offsets from their start. An access never crosses a multiple of 4. */
  readonly config?: RegionHandler;
}

/**
 * A base address register.
 *
 * @throws LabError `REGION_INVALID` for what no such register can claim
 */
export function bar({ kind, size, prefetchable = false, widths = [1, 2, 4], alignment = 'any' }: BarOptions): Bar {
  const [least, most] = { io: [4, 0x100], memory32: [16, 2 ** 31], memory64: [16, 2 ** 40] }[kind] as [number, number];
  if (!Number.isInteger(Math.log2(size)) || size < least || size > most) {
    throw invalidRegion(`a BAR of kind ${kind} and ${size} bytes: expected a power of two from ${least} to ${most}`);
  }
  if (prefetchable && kind === 'io') throw invalidRegion('a BAR of kind io cannot be prefetchable');
  checkAccess('a BAR', widths, alignment);
  return { kind, size, prefetchable, widths, alignment };
}

/** Registers that a BAR takes. */
export const barSlots = ({ kind }: Bar): number => (kind === 'memory64' ? 2 : 1);

/** Bytes of the MSI capability with a 64-bit address, rounded up to whole registers (PCI Local Bus 3.0, 6.8.1). */
const msiBytes = 16;

/**
 * A PCI function with a configuration space of 256 bytes and a header of type 0, which the library keeps: identity,
 * command and status, sizing and programming of BARs, interrupt line and pin, and MSI if wanted. It is placed at a
 * {@link PciAddress} when the device is attached. Its BARs are claimed in Xen when the guest enables them, before the
 * write that does it is answered. A BAR that the guest puts over something else of the same server, or that Xen refuses,
 * is not decoded, which is counted, until one of the two is moved: what was there first stays.
 *
 * @example
 * ```ts
 * import { bar, defineDevice, pciFunction } from 'ioreqlab/device';
 *
 * export default defineDevice({
 *   name: 'example-pci',
 *   regions: {
 *     card: pciFunction({
 *       vendor: 0x1234,
 *       device: 0x0001,
 *       class: 0xff0000,
 *       interruptPin: 'A',
 *       bars: { registers: bar({ kind: 'memory32', size: 4096 }) },
 *     }),
 *   },
 *   create(_options, { interrupts }) {
 *     const line = interrupts.intx('card');
 *     return {
 *       card: { bars: { registers: { read: (offset) => offset, write: (_offset, _size, value) => line.set(value !== 0) } } },
 *     };
 *   },
 * });
 * ```
 *
 * @throws LabError `REGION_INVALID` for what no function can be
 */
export function pciFunction<const B extends Bars = Bars>(options: PciFunctionOptions<B>): PciFunction<B> {
  const { vendor, device, subsystem = { vendor, device }, revision = 0, registers, interruptPin } = options;
  const bars = options.bars ?? ({} as B);
  const numbers = { vendor, device, subsystemVendor: subsystem.vendor, subsystemDevice: subsystem.device };
  for (const [name, value] of Object.entries(numbers)) checkNumber(name, value, 0xffff);
  checkNumber('class', options.class, 0xffffff);
  checkNumber('revision', revision, 0xff);
  if (interruptPin !== undefined && !['A', 'B', 'C', 'D'].includes(interruptPin)) {
    throw invalidRegion(`a PCI function with interrupt pin ${String(interruptPin)}: expected A to D`);
  }
  const slots = Object.values(bars).reduce((sum, one) => sum + barSlots(one), 0);
  if (slots > 6) throw invalidRegion(`a PCI function whose BARs take ${slots} registers: there are 6`);
  const msi = options.msi && { vectors: options.msi.vectors ?? 1, offset: options.msi.offset ?? 0x40 };
  if (msi !== undefined && ![1, 2, 4, 8, 16, 32].includes(msi.vectors)) {
    throw invalidRegion(`MSI with ${msi.vectors} vectors: expected a power of two up to 32`);
  }
  const areas = [registers, msi && { offset: msi.offset, size: msiBytes }].filter((area) => area !== undefined);
  for (const { offset, size } of areas) {
    if (
      !Number.isInteger(offset / 4) ||
      !Number.isInteger(size / 4) ||
      offset < 0x40 ||
      size < 4 ||
      offset + size > 256
    ) {
      throw invalidRegion(
        `configuration registers at ${offset}, ${size} bytes: expected multiples of 4 from 64 to 255`,
      );
    }
  }
  const [one, other] = areas;
  if (one && other && one.offset < other.offset + other.size && other.offset < one.offset + one.size) {
    throw invalidRegion('the configuration registers of a PCI function overlap its MSI capability');
  }
  return {
    ...{ kind: 'pci', vendor, device, revision, class: options.class, subsystem },
    ...{ interruptPin, multifunction: options.multifunction ?? false, bars, msi, registers },
  };
}

function checkNumber(name: string, value: number, most: number): void {
  if (Number.isInteger(value) && value >= 0 && value <= most) return;
  throw invalidRegion(`a PCI function with ${name} ${value}: expected 0 to 0x${most.toString(16)}`);
}
