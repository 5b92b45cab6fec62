import { ioreqType } from '../../abi/ioreq.ts';
import type { Device } from '../../device/define-device.ts';
import { parsePciAddress } from '../../device/pci/address.ts';
import { attachDevice, type AttachedDevice } from '../attach-device.ts';
import { InterruptLines } from '../interrupt-lines.ts';
import { BarDecoder } from '../pci-placement.ts';
import { Rig } from './dispatcher-rig.ts';
import { SharedState } from '../shared-state.ts';

/** A dispatcher with devices on it, which keeps what they tell Xen. */
export class DeviceRig extends Rig {
  /** Interrupts, and ranges mapped and unmapped, in order. */
  readonly told: (readonly [string, ...(number | boolean)[]])[] = [];
  /** As of an HVM guest. */
  hasIsa = true;
  /** Makes every call of Xen fail. */
  isRefusing = false;
  /** Makes Xen have no room for ranges. */
  isRefusingMaps = false;
  readonly lines: InterruptLines;
  readonly decoder: BarDecoder;

  constructor() {
    super();
    const tell =
      (what: string) =>
      (...values: (number | boolean)[]): void => {
        if (this.isRefusing || (this.isRefusingMaps && what === 'map')) throw new Error(`${what}: EINVAL`);
        this.told.push([what, ...values]);
      };
    this.lines = new InterruptLines({
      hasIsaInterrupts: () => this.hasIsa,
      setIsaIrqLevel: tell('isa'),
      setPciIntxLevel: tell('intx'),
      setPciLinkRoute: tell('link'),
      injectMsi: tell('msi'),
    });
    this.decoder = new BarDecoder(this.dispatcher, { mapRange: tell('map'), unmapRange: tell('unmap') });
  }

  /** @param at PCI functions by their address as text */
  attach(device: unknown, at: Readonly<Record<string, number | string>>, options: unknown = {}): AttachedDevice {
    const places = Object.entries(at).map(([region, place]) => [
      region,
      typeof place === 'string' ? parsePciAddress(place) : place,
    ]);
    return attachDevice(device as Device, options, Object.fromEntries(places) as Record<string, number>, {
      ...{ dispatcher: this.dispatcher, memory: this.guestMemory, lines: this.lines, decoder: this.decoder },
      shared: new SharedState(undefined),
    });
  }

  /** What was told since the last call. */
  takeTold(): (readonly [string, ...(number | boolean)[]])[] {
    return this.told.splice(0);
  }

  in(port: number, size = 1): number {
    return Number(this.dispatch(port, { size }) & BigInt(2 ** (8 * size) - 1));
  }

  out(port: number, size: number, value: number): void {
    this.dispatch(port, { size, write: value });
  }

  load(address: number, size = 4): bigint {
    return this.dispatch(address, { type: ioreqType.copy, size }) & (2n ** BigInt(8 * size) - 1n);
  }

  store(address: number, size: number, value: number | bigint): void {
    this.dispatch(address, { type: ioreqType.copy, size, write: value });
  }

  configRead(where: string, offset: number, size = 4): number {
    const address = parsePciAddress(where) * 2 ** 32 + offset;
    return Number(this.dispatch(address, { type: ioreqType.pciConfig, size }) & BigInt(2 ** (8 * size) - 1));
  }

  configWrite(where: string, offset: number, size: number, value: number): void {
    this.dispatch(parsePciAddress(where) * 2 ** 32 + offset, { type: ioreqType.pciConfig, size, write: value });
  }
}
