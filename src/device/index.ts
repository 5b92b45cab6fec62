/** What a device-model author needs. */
export { defineDevice, type Device, type DeviceContext, type Regions } from './define-device.ts';
export { memory, port, type AccessSize, type Region, type RegionHandler, type RegionOptions } from './region.ts';
