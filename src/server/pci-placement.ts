import type { InterruptLine, MessageInterrupt } from '../device/interrupts.ts';
import { formatPciAddress } from '../device/pci/address.ts';
import { command, ConfigSpace, header } from '../device/pci/config-space.ts';
import type { PciFunction, PciFunctionHandler } from '../device/pci/pci-function.ts';
import type { AccessSize, RegionHandler } from '../device/region.ts';
import { LabError } from '../errors.ts';
import type { Dispatcher, Placed } from './dispatcher.ts';
import { Line, type InterruptLines } from './interrupt-lines.ts';

/** Gives a server ranges and takes them back, in Xen. From the thread that serves. Both throw when Xen refuses. */
export interface RangeMapper {
  mapRange(memory: boolean, start: number, end: number): void;
  unmapRange(memory: boolean, start: number, end: number): void;
}

/** A BAR: where the guest wants it, and where it is decoded. */
interface PlacedBar {
  readonly placed: Placed;
  readonly wanted: () => number | undefined;
  /** What the guest wants and does not get: so that it is counted once. */
  missed: number | undefined;
}

/**
 * Decodes the BARs of all PCI functions of a server: whenever a guest has moved one, those that have to go are unmapped
 * first, then all that are wanted and not there are tried, in the order of attachment.
 */
export class BarDecoder {
  readonly #dispatcher: Dispatcher;
  readonly #ranges: RangeMapper;
  #bars: PlacedBar[] = [];

  constructor(dispatcher: Dispatcher, ranges: RangeMapper) {
    this.#dispatcher = dispatcher;
    this.#ranges = ranges;
  }

  add(placed: Placed, wanted: () => number | undefined): void {
    this.#bars.push({ placed, wanted, missed: undefined });
  }

  remove(placed: Placed): void {
    this.#hide(placed);
    this.#bars = this.#bars.filter((bar) => bar.placed !== placed);
  }

  /** Never throws: what cannot be decoded is counted. */
  update(): void {
    for (const { placed, wanted } of this.#bars) if (placed.isPlaced && wanted() !== placed.base) this.#hide(placed);
    for (const bar of this.#bars) {
      const base = bar.wanted();
      const isMissing = base !== undefined && !bar.placed.isPlaced && !this.#show(bar.placed, base);
      if (isMissing && bar.missed !== base) this.#dispatcher.counters.undecoded++;
      bar.missed = isMissing ? base : undefined;
    }
  }

  #show(placed: Placed, base: number): boolean {
    if (this.#dispatcher.place(placed, base) !== undefined) return false;
    try {
      this.#ranges.mapRange(placed.kind === 'memory', placed.base, placed.end);
      return true;
    } catch {
      this.#dispatcher.displace(placed);
      return false;
    }
  }

  #hide(placed: Placed): void {
    if (!placed.isPlaced) return;
    const { kind, base, end } = placed;
    this.#dispatcher.displace(placed);
    try {
      this.#ranges.unmapRange(kind === 'memory', base, end);
    } catch {
      // Accesses that come all the same read all ones.
    }
  }
}

const none: RegionHandler = {};

/** A PCI function of a device on a server: its configuration space, its BARs, its interrupts. */
export class PlacedFunction implements RegionHandler {
  readonly placed: Placed;
  readonly sbdf: number;
  readonly #label: string;
  readonly #declared: PciFunction;
  readonly #space: ConfigSpace;
  readonly #dispatcher: Dispatcher;
  readonly #decoder: BarDecoder;
  readonly #lines: InterruptLines;
  #bars: Placed[] = [];
  #config: RegionHandler = none;
  /** The device asserts its INTx line. */
  #asserted = false;
  /** The line that Xen knows of is asserted. */
  #driven = false;
  readonly #line: InterruptLine = new Line((level) => {
    this.#asserted = level === 1;
    this.#space.setInterruptStatus(this.#asserted);
    this.#drive();
  });

  /** @throws LabError `PCI_ADDRESS_INVALID` for a function with a line where Xen has none */
  constructor(
    label: string,
    declared: PciFunction,
    sbdf: number,
    place: { readonly dispatcher: Dispatcher; readonly decoder: BarDecoder; readonly lines: InterruptLines },
  ) {
    if (!Number.isInteger(sbdf) || sbdf < 0 || sbdf > 0xffff || (declared.interruptPin !== undefined && sbdf > 0xff)) {
      const where = declared.interruptPin === undefined ? 'segment 0' : 'bus 0 of segment 0, since it has a pin';
      throw new LabError(`${label} cannot be at ${formatPciAddress(sbdf)}: it has to be on ${where}`, {
        blame: 'scenario',
        code: 'PCI_ADDRESS_INVALID',
      });
    }
    this.#label = label;
    this.#declared = declared;
    this.sbdf = sbdf;
    this.#space = new ConfigSpace(declared);
    this.#dispatcher = place.dispatcher;
    this.#decoder = place.decoder;
    this.#lines = place.lines;
    this.placed = this.#dispatcher.declareFunction(label, this);
  }

  /** Puts the device's handlers behind it. @returns the BARs, which are placed when the guest does */
  connect({ bars, config = none }: PciFunctionHandler): readonly Placed[] {
    this.#config = config;
    this.#bars = this.#space.bars.map((place) => {
      const { name, bar } = place;
      const { size, widths, alignment } = bar;
      const region = { kind: bar.kind === 'io' ? 'port' : 'memory', size, widths, alignment } as const;
      const placed = this.#dispatcher.declare(`${this.#label}.${name}`, region, bars[name] ?? none);
      this.#decoder.add(placed, () => this.#space.decoded(place));
      return placed;
    });
    return this.#bars;
  }

  read(offset: number, size: AccessSize): number {
    const own = this.#ownOffset(offset, size);
    if (own >= 0) return this.#config.read?.(own, size) ?? 0xffffffff;
    let value = 0;
    for (let byte = size - 1; byte >= 0; byte--) value = (value << 8) | this.#readByte(offset + byte);
    return value;
  }

  write(offset: number, size: AccessSize, value: number): void {
    const own = this.#ownOffset(offset, size);
    if (own >= 0) {
      this.#config.write?.(own, size, value);
      return;
    }
    for (let byte = 0; byte < size; byte++) this.#writeByte(offset + byte, (value >>> (8 * byte)) & 0xff);
    if (offset < header.command + 2 && offset + size > header.command) {
      this.#drive();
      this.#decoder.update();
    } else if (offset < header.barsEnd && offset + size > header.bars) this.#decoder.update();
  }

  /** @throws LabError `INTERRUPT_INVALID` */
  get line(): InterruptLine {
    if (this.#declared.interruptPin === undefined) throw noInterrupt(this.#label, 'has no interruptPin');
    return this.#line;
  }

  /** @throws LabError `INTERRUPT_INVALID` */
  get messages(): MessageInterrupt {
    if (this.#declared.msi === undefined) throw noInterrupt(this.#label, 'has no MSI capability');
    const space = this.#space;
    const lines = this.#lines;
    return {
      get isEnabled() {
        return space.isMsiEnabled;
      },
      fire(vector = 0) {
        const address = space.msiAddress;
        return space.isMsiEnabled && address !== undefined && lines.sendMsi(address, space.msiData(vector));
      },
    };
  }

  /** Configuration space as the guest has programmed it. */
  snapshot(): number[] {
    return [...this.#space.bytes];
  }

  restore(bytes: ArrayLike<number>): void {
    this.#space.restore(bytes);
    this.#space.setInterruptStatus(this.#asserted);
    this.#drive();
    this.#decoder.update();
  }

  reset(): void {
    this.#space.reset();
    this.#space.setInterruptStatus(this.#asserted);
    this.#drive();
    this.#decoder.update();
  }

  /** Takes everything away again. */
  remove(): void {
    for (const placed of this.#bars) this.#decoder.remove(placed);
    this.#dispatcher.displace(this.placed);
  }

  /** The line follows the device unless the guest has disabled it: 6.2.2 of PCI Local Bus 3.0. */
  #drive(): void {
    const { interruptPin } = this.#declared;
    const level = this.#asserted && (this.#space.command & command.interruptDisable) === 0;
    if (interruptPin === undefined || level === this.#driven) return;
    this.#driven = level;
    this.#lines.setIntx((this.sbdf >> 3) & 31, 'ABCD'.indexOf(interruptPin), level ? 1 : 0);
  }

  /** Offset in the device's own registers, or -1. Xen passes accesses across registers on: those go byte by byte. */
  #ownOffset(offset: number, size: number): number {
    const { registers } = this.#declared;
    if (registers === undefined || (offset & 3) + size > 4) return -1;
    return offset >= registers.offset && offset < registers.offset + registers.size ? offset - registers.offset : -1;
  }

  #readByte(offset: number): number {
    const own = this.#ownOffset(offset, 1);
    return own < 0 ? this.#space.read(offset) : (this.#config.read?.(own, 1) ?? 0xff) & 0xff;
  }

  #writeByte(offset: number, value: number): void {
    const own = this.#ownOffset(offset, 1);
    if (own < 0) this.#space.write(offset, value);
    else this.#config.write?.(own, 1, value);
  }
}

/** The error of an interrupt that a device does not have. */
export function noInterrupt(what: string, why: string): LabError {
  return new LabError(`${what} ${why}`, { blame: 'scenario', code: 'INTERRUPT_INVALID' });
}
