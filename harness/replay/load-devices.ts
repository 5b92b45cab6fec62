import { pathToFileURL } from 'node:url';
import { stockDevices, type Device } from '../../src/device/index.ts';
import { LabError } from '../../src/errors.ts';
import { findDevices } from '../deploy/bundle.ts';

/**
 * Finds devices by their names, as dom0 does.
 *
 * @param directories where `*.device.ts` files are; each is loaded here
 * @returns a look-up that throws LabError `DEVICE_UNKNOWN`
 */
export async function loadDevices(directories: readonly string[]): Promise<(name: string) => Device> {
  const devices = new Map<string, Device>(
    Object.values(stockDevices as unknown as Record<string, Device>).map((device) => [device.name, device]),
  );
  for (const file of await findDevices(directories)) {
    const { default: device } = (await import(pathToFileURL(file).href)) as { default?: Device };
    if (device !== undefined) devices.set(device.name, device);
  }
  return (name) => {
    const device = devices.get(name);
    if (device !== undefined) return device;
    throw new LabError(`no device is named ${JSON.stringify(name)}`, {
      ...{ blame: 'scenario', code: 'DEVICE_UNKNOWN' },
      next: 'name the directory of its *.device.ts file: --scenarios DIR',
    });
  };
}
