import { defineDevice } from '../define-device.ts';
import { checkOptions, fields, oneOf, wholeNumber } from '../options.ts';
import { bar, pciFunction, type MsiVectors } from '../pci/pci-function.ts';
import { TestHeader } from './pci-test-header.ts';

/** Options of {@link pciTest}. */
export interface PciTestOptions {
  /** Default 0x1b36 and 0x0005: those of QEMU's pci-testdev, whose drivers know the first two BARs. */
  readonly vendor?: number;
  readonly device?: number;
  /** Messages of the MSI capability; default 4. */
  readonly vectors?: MsiVectors;
}

const id = wholeNumber(0, 0xffff);
const check = fields({ vendor: id, device: id, vectors: oneOf(1, 2, 4, 8, 16, 32) });

/** Registers of the BAR `actions`, 4 bytes each. */
export const pciTestAction = {
  /** Level of the INTx line: 0 or 1. */
  line: 0x00,
  /** A write sends the message of that vector; a read tells how many were sent. */
  message: 0x04,
  /** Guest-physical address of DMA. */
  addressLow: 0x08,
  addressHigh: 0x0c,
  /** Bytes of DMA, up to 65536. */
  length: 0x10,
  /** A write of 0x100 + b fills the guest's memory with byte b; of 2 it adds the bytes up, which a read then tells. */
  command: 0x14,
  /** A write of link + 256 * irq routes PCI link 0 to 3 to an ISA interrupt line, 0 to none; HVM guests. */
  route: 0x18,
} as const;

const dmaBytes = 0x1_0000;

/**
 * A PCI function to test with, in the manner of QEMU's pci-testdev (docs/specs/pci-testdev.rst): `function` has a memory
 * BAR and an I/O BAR that each describe tests of a write and count the writes that were as described, and a 64-bit BAR
 * `actions` ({@link pciTestAction}) for interrupts and DMA. Configuration register 0x80 keeps what is written, 0x84 counts
 * the writes to it.
 */
export const pciTest = defineDevice({
  name: 'ioreqlab/pciTest',
  regions(options: PciTestOptions) {
    checkOptions('pciTest', check, options);
    const { vendor = 0x1b36, device = 0x0005, vectors = 4 } = options;
    return {
      function: pciFunction({
        ...{ vendor, device, class: 0xff0000, interruptPin: 'A', msi: { vectors } },
        registers: { offset: 0x80, size: 8 },
        bars: {
          memory: bar({ kind: 'memory32', size: 4096 }),
          io: bar({ kind: 'io', size: 256 }),
          actions: bar({ kind: 'memory64', size: 4096, widths: [4], alignment: 'natural' }),
        },
      }),
    };
  },
  create(_options: PciTestOptions, { interrupts, memory }) {
    const line = interrupts.intx('function');
    const messages = interrupts.msi('function');
    const headers = [new TestHeader('memory'), new TestHeader('io')] as const;
    const actions = new Uint32Array(6);
    const config = new Uint32Array(2);
    let sent = 0;
    const command = (value: number): void => {
      const address = (actions[3] as number) * 2 ** 32 + (actions[2] as number);
      const length = Math.min(actions[4] as number, dmaBytes);
      if (address > Number.MAX_SAFE_INTEGER - length) return;
      if (value >>> 8 === 1) memory.writeBytes(address, new Uint8Array(length).fill(value));
      else if (value === 2) actions[5] = memory.readBytes(address, length).reduce((sum, byte) => sum + byte, 0);
    };
    return {
      function: {
        bars: {
          memory: headers[0],
          io: headers[1],
          actions: {
            read: (offset) => {
              if (offset === pciTestAction.line) return line.level ? 1 : 0;
              return offset === pciTestAction.message ? sent : (actions[offset / 4] ?? 0xffff_ffff);
            },
            write: (offset, _size, value) => {
              if (offset === pciTestAction.line) line.set(value !== 0);
              else if (offset === pciTestAction.message) sent += messages.fire(value) ? 1 : 0;
              else if (offset === pciTestAction.command) command(value);
              else if (offset === pciTestAction.route && value < 0x1000 && (value & 0xff) < 4 && interrupts.hasIsa) {
                interrupts.setPciLinkRoute(value & 0xff, value >> 8);
              } else if (offset < pciTestAction.command) actions[offset / 4] = value;
            },
          },
        },
        config: {
          read: (offset, size) => ((config[offset >> 2] as number) >>> (8 * (offset & 3))) & (2 ** (8 * size) - 1),
          write: (offset, size, value) => {
            if (offset >= 4) return;
            const mask = (2 ** (8 * size) - 1) << (8 * offset);
            config[0] = ((config[0] as number) & ~mask) | ((value << (8 * offset)) & mask);
            config[1] = (config[1] as number) + 1;
          },
        },
      },
      reset: () => {
        line.set(false);
        for (const header of headers) header.select(0);
        actions.fill(0);
        config.fill(0);
        sent = 0;
      },
      snapshot: () => ({
        ...{ line: line.level, sent, actions: [...actions], config: [...config] },
        headers: headers.map(({ test, count }) => ({ test, count })),
      }),
      restore: (state: PciTestState) => {
        line.set(state.line);
        sent = state.sent;
        actions.set(state.actions.slice(0, actions.length));
        config.set(state.config.slice(0, config.length));
        headers.forEach((header, i) => {
          header.select(state.headers[i]?.test ?? 0);
          header.count = state.headers[i]?.count ?? 0;
        });
      },
    };
  },
});

interface PciTestState {
  readonly line: boolean;
  readonly sent: number;
  readonly actions: readonly number[];
  readonly config: readonly number[];
  readonly headers: readonly { readonly test: number; readonly count: number }[];
}
