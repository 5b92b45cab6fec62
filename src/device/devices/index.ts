import type { Device, Regions } from '../define-device.ts';
import { counter } from './counter.ts';
import { pciTest } from './pci-test.ts';
import { ramWindow } from './ram-window.ts';
import { registerFile } from './register-file.ts';
import { uart16550 } from './uart16550.ts';

/** The devices that a scenario can attach by name, without a file of its own. */
export const stockDevices = { counter, pciTest, ramWindow, registerFile, uart16550 } as const;

/** Types of the stock devices, by name. */
export type StockDevices = typeof stockDevices;

/** The regions of a device. */
export type RegionsOf<D> = D extends Device<infer R, never> ? R : Regions;

/** The options of a device. */
export type OptionsOf<D> = D extends { create(options: infer O, ...rest: never[]): unknown } ? O : never;
