import { describe, expect, it } from 'vitest';
import { defineDevice, memory, port, type Device } from './index.ts';
import { deviceNamed, registerDevices } from './registry.ts';

const device = (name: string): Device => ({ name, regions: {}, create: () => ({}) });

describe('devices', () => {
  it('are found by their names', () => {
    const [a, b] = [device('a'), device('b')];
    registerDevices([a, b]);
    expect(deviceNamed('b')).toBe(b);
  });

  it('have names of their own', () => {
    expect(() => registerDevices([device('c'), device('c')])).toThrow(
      expect.objectContaining({
        ...{ blame: 'scenario', code: 'DEVICE_NAME_TAKEN', message: 'two devices are named "c"' },
        next: expect.stringContaining('another name') as string,
      }) as Error,
    );
  });

  it('that are not there are told with those that are', () => {
    expect(() => deviceNamed('z')).toThrow(
      expect.objectContaining({
        code: 'DEVICE_UNKNOWN',
        message: 'no device is named "z"; there are: a, b, c',
      }) as Error,
    );
    expect(() => deviceNamed('constructor')).toThrow(/no device is named/);
  });

  it('are given back as they were defined', () => {
    const defined = { name: 'd', regions: { r: port({ size: 4 }) }, create: () => ({ r: {} }) };
    expect(defineDevice(defined)).toBe(defined);
  });
});

describe('regions', () => {
  it('take every width unless told otherwise', () => {
    expect(port({ size: 0x1_0000 })).toEqual({ kind: 'port', size: 0x1_0000, widths: [1, 2, 4], alignment: 'any' });
    const natural = { size: 1, widths: [1, 8], alignment: 'natural' } as const;
    expect(memory(natural)).toEqual({ kind: 'memory', ...natural });
  });

  it('have a size that their addresses allow', () => {
    for (const make of [
      () => port({ size: 0 }),
      () => port({ size: 0x1_0001 }),
      () => port({ size: 1.5 }),
      () => port({ size: NaN }),
      () => memory({ size: 0 }),
      () => memory({ size: 2 ** 53 }),
      () => memory({ size: '4' as unknown as number }),
      () => memory({ size: 4, widths: [] }),
      () => memory({ size: 4, widths: [3 as unknown as 4] }),
      () => memory({ size: 4, alignment: 'odd' as unknown as 'any' }),
    ]) {
      expect(make).toThrow(expect.objectContaining({ blame: 'scenario', code: 'REGION_INVALID' }) as Error);
    }
  });
});
