import { MaskedBytes } from '../masked-bytes.ts';
import { barSlots, type Bar, type PciFunction } from './pci-function.ts';

/** Bits of the command register (PCI Local Bus 3.0, table 6-1). */
export const command = { io: 1, memory: 2, master: 4, interruptDisable: 0x400 } as const;
/** Bits of the status register (table 6-2). */
const status = { interrupt: 8, capabilities: 0x10 } as const;

/** Offsets in a header of type 0 (figure 6-1), and in the MSI capability from its start (figure 6-9, 64-bit). */
export const header = { command: 4, status: 6, bars: 0x10, barsEnd: 0x28 } as const;
const msi = { control: 2, addressLow: 4, addressHigh: 8, data: 12 } as const;

/** A BAR and where its registers are. */
interface BarPlace {
  readonly name: string;
  readonly bar: Bar;
  readonly offset: number;
}

/**
 * The configuration space of a PCI function: 256 bytes, of which a guest may write what the specification and the
 * function's declaration allow. Nothing here throws, whatever offset or value comes.
 */
export class ConfigSpace {
  readonly #registers = new MaskedBytes(new Uint8Array(256));
  readonly #view = new DataView(this.#registers.bytes.buffer);
  readonly #initial: Uint8Array;
  readonly #msi: number | undefined;
  readonly #msiVectors: number;
  readonly bars: readonly BarPlace[];

  constructor(declared: PciFunction) {
    const set = this.#view;
    const allow = new DataView(this.#registers.writable.buffer);
    set.setUint16(0, declared.vendor, true);
    set.setUint16(2, declared.device, true);
    // I/O, memory, master, parity error response, SERR#, interrupt disable.
    allow.setUint16(header.command, 0x547, true);
    set.setUint32(8, declared.class * 0x100 + declared.revision, true);
    allow.setUint8(0xc, 0xff); // cache line size
    allow.setUint8(0xd, 0xff); // latency timer
    set.setUint8(0xe, declared.multifunction ? 0x80 : 0);
    set.setUint16(0x2c, declared.subsystem.vendor, true);
    set.setUint16(0x2e, declared.subsystem.device, true);
    if (declared.interruptPin !== undefined) {
      allow.setUint8(0x3c, 0xff); // interrupt line
      set.setUint8(0x3d, 'ABCD'.indexOf(declared.interruptPin) + 1);
    }
    const bars: BarPlace[] = [];
    let offset: number = header.bars;
    for (const [name, bar] of Object.entries(declared.bars)) {
      bars.push({ name, bar, offset });
      const kind = bar.kind === 'io' ? 1 : (bar.kind === 'memory64' ? 4 : 0) | (bar.prefetchable ? 8 : 0);
      set.setUint32(offset, kind, true);
      // The bits below the size stay 0, which is how a guest finds the size out (6.2.5.1).
      allow.setUint32(offset, -bar.size, true);
      if (bar.kind === 'memory64') allow.setUint32(offset + 4, -Math.max(1, bar.size / 2 ** 32), true);
      offset += 4 * barSlots(bar);
    }
    this.bars = bars;
    this.#msi = declared.msi?.offset;
    this.#msiVectors = Math.log2(declared.msi?.vectors ?? 1);
    if (declared.msi !== undefined) {
      const at = declared.msi.offset;
      set.setUint16(header.status, status.capabilities, true);
      set.setUint8(0x34, at);
      set.setUint16(at, 0x0005, true);
      set.setUint16(at + msi.control, 0x80 | (this.#msiVectors << 1), true);
      allow.setUint16(at + msi.control, 0x71, true);
      allow.setUint32(at + msi.addressLow, 0xfffffffc, true);
      allow.setUint32(at + msi.addressHigh, 0xffffffff, true);
      allow.setUint16(at + msi.data, 0xffff, true);
    }
    this.#initial = this.#registers.bytes.slice();
  }

  /** A byte; all ones behind the end. */
  read(offset: number): number {
    return this.#registers.read(offset);
  }

  /** A byte; ignored behind the end. */
  write(offset: number, value: number): void {
    this.#registers.write(offset, value);
  }

  /** All bytes as they are. */
  get bytes(): Uint8Array {
    return this.#registers.bytes;
  }

  get command(): number {
    return this.#view.getUint16(header.command, true);
  }

  /** What the status register says about the interrupt line, whether it is disabled or not. */
  setInterruptStatus(asserted: boolean): void {
    const others = (this.bytes[header.status] as number) & ~status.interrupt;
    this.bytes[header.status] = others | (asserted ? status.interrupt : 0);
  }

  /**
   * Where a BAR is decoded, or undefined. As in QEMU's pci_bar_address (hw/pci/pci.c), neither address 0 nor a range that
   * reaches the last address is decoded: the first is what reset leaves, the second is there while a guest asks for the
   * size with decoding enabled.
   */
  decoded({ bar, offset }: BarPlace): number | undefined {
    if ((this.command & (bar.kind === 'io' ? command.io : command.memory)) === 0) return undefined;
    const low = this.#view.getUint32(offset, true);
    const high = bar.kind === 'memory64' ? this.#view.getUint32(offset + 4, true) : 0;
    const base = high * 2 ** 32 + (low - (low % (bar.kind === 'io' ? 4 : 16)));
    const end = base + (bar.size - 1);
    const last = { io: 0xffff, memory32: 0xffff_fffe, memory64: Number.MAX_SAFE_INTEGER }[bar.kind];
    return base === 0 || end > last ? undefined : base;
  }

  /** Back to what power-on leaves; the interrupt status too. */
  reset(): void {
    this.bytes.set(this.#initial);
  }

  /** Takes over the bits that a guest may write; the rest is the declaration's. */
  restore(bytes: ArrayLike<number>): void {
    for (let offset = 0; offset < 256; offset++) this.write(offset, bytes[offset] ?? 0);
  }

  /** Whether the guest has enabled MSI, and the function may write to memory, which is what a message is. */
  get isMsiEnabled(): boolean {
    const at = this.#msi;
    return at !== undefined && (this.#msiControl(at) & 1) !== 0 && (this.command & command.master) !== 0;
  }

  /** Where a message goes; below 2^53, or undefined. */
  get msiAddress(): number | undefined {
    const at = this.#msi ?? 0;
    const high = this.#view.getUint32(at + msi.addressHigh, true);
    return high >= 2 ** 21 ? undefined : high * 2 ** 32 + this.#view.getUint32(at + msi.addressLow, true);
  }

  /** What a message says: its low bits tell the vector, as many as the guest has enabled (6.8.1.3). */
  msiData(vector: number): number {
    const at = this.#msi ?? 0;
    const enabled = Math.min((this.#msiControl(at) >> 4) & 7, this.#msiVectors);
    const mask = (1 << enabled) - 1;
    return (this.#view.getUint16(at + msi.data, true) & ~mask) | (vector & mask);
  }

  #msiControl(at: number): number {
    return this.#view.getUint16(at + msi.control, true);
  }
}
