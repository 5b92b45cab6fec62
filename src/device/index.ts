/** What a device-model author needs. */
export {
  defineDevice,
  type Abilities,
  type Claim,
  type Device,
  type DeviceContext,
  type DeviceInstance,
  type HandlerOf,
  type PlaceOf,
  type Regions,
} from './define-device.ts';
export type { InterruptLine, Interrupts, MessageInterrupt } from './interrupts.ts';
export { formatPciAddress, parsePciAddress, type PciAddress } from './pci/address.ts';
export {
  bar,
  pciFunction,
  type Bar,
  type BarOptions,
  type Bars,
  type InterruptPin,
  type MsiVectors,
  type PciFunction,
  type PciFunctionHandler,
  type PciFunctionOptions,
} from './pci/pci-function.ts';
export {
  memory,
  port,
  type AccessSize,
  type AccessWidth,
  type Alignment,
  type Region,
  type RegionHandler,
  type RegionOptions,
} from './region.ts';
export { counter, type CounterOptions } from './devices/counter.ts';
export { stockDevices, type OptionsOf, type RegionsOf, type StockDevices } from './devices/index.ts';
export { pciTest, pciTestAction, type PciTestOptions } from './devices/pci-test.ts';
export { ramWindow, type RamWindowOptions } from './devices/ram-window.ts';
export { registerFile, type RegisterFileOptions, type RegisterOptions } from './devices/register-file.ts';
export { Uart, type UartState } from './devices/uart.ts';
export { uart16550, type Uart16550Options } from './devices/uart16550.ts';
