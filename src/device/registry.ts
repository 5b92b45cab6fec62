import type { Device } from './define-device.ts';
import { stockDevices } from './devices/index.ts';
import { LabError } from '../errors.ts';

/** The stock devices are always there; their names cannot be anybody else's. */
const devices = new Map<string, Device>(
  Object.values(stockDevices as unknown as Record<string, Device>).map((device) => [device.name, device]),
);

/**
 * Makes devices known by their names. The bundle for dom0 calls it with the default exports of all `*.device.ts`.
 *
 * @throws LabError `DEVICE_NAME_TAKEN`
 */
export function registerDevices(list: readonly Device[]): void {
  for (const device of list) {
    if (devices.has(device.name)) {
      throw new LabError(`two devices are named ${JSON.stringify(device.name)}`, {
        blame: 'scenario',
        code: 'DEVICE_NAME_TAKEN',
        next: 'give one of them another name; names are unique among all *.device.ts files',
      });
    }
    devices.set(device.name, device);
  }
}

/** @throws LabError `DEVICE_UNKNOWN` */
export function deviceNamed(name: string): Device {
  const device = devices.get(name);
  if (device !== undefined) return device;
  const own = [...devices.keys()].filter((known) => !known.includes('/'));
  throw new LabError(`no device is named ${JSON.stringify(name)}; there are: ${own.sort().join(', ')}`, {
    blame: 'scenario',
    code: 'DEVICE_UNKNOWN',
    next: 'export it as the default of a file named <name>.device.ts',
  });
}
