import { describe, expect, it } from 'vitest';
import { ioreqType } from '../../abi/ioreq.ts';
import { handlingOf, type Handling, type Platform } from './handlers.ts';
import { rulesOf } from './rules.ts';
import type { IoRequest } from './world.ts';

const request = (fields: Partial<IoRequest>): IoRequest => ({
  ...{ type: ioreqType.pio, isRead: false, dataIsPointer: false, backwards: false },
  ...{ size: 1, count: 1, address: 0n, data: 0n, ...fields },
});
const port = (platform: Platform, address: number, size: number, version = '4.20'): Handling =>
  handlingOf(request({ address: BigInt(address), size }), platform, rulesOf(version));
const memory = (platform: Platform, fields: Partial<IoRequest>, version = '4.20'): Handling =>
  handlingOf(request({ type: ioreqType.copy, ...fields }), platform, rulesOf(version));

describe('ports', () => {
  it.each([0x20, 0x21, 0xa0, 0x43, 0x61, 0x1f40, 0x1f4b])('0x%s of a PC are of Xen, for HVM guests only', (address) => {
    expect([port('hvm', address, 1), port('pvh', address, 1)]).toEqual(['taken', 'none']);
  });

  it("an access that is not all inside is the device model's", () => {
    expect([port('hvm', 0x43, 2), port('hvm', 0x1f, 2), port('hvm', 0x60, 2)]).toEqual(['none', 'none', 'none']);
    expect(port('hvm', 0x40, 4)).toBe('taken');
  });

  it('the debug console is of Xen in all guests', () => {
    expect([port('hvm', 0xe9, 1), port('pvh', 0xe9, 1), port('pvh', 0xe9, 2)]).toEqual(['taken', 'taken', 'none']);
  });

  it('the debug console answers reads since 4.19.4, 4.20.2 and 4.21', () => {
    const read = (version: string): Handling =>
      handlingOf(request({ address: 0xe9n, isRead: true }), 'pvh', rulesOf(version));
    expect(['4.14', '4.17', '4.20.1', '4.20.2', '4.21'].map(read)).toEqual([
      ...['passedOn', 'passedOn', 'passedOn', 'taken', 'taken'],
    ]);
    expect(port('pvh', 0xe9, 1, '4.14')).toBe('taken');
  });

  it('0xcf8 to 0xcfb are looked at and passed on', () => {
    expect([0xcf8, 0xcfb].map((address) => port('pvh', address, 1))).toEqual(['passedOn', 'passedOn']);
    expect([port('pvh', 0xcf8, 4), port('pvh', 0xcfa, 4), port('pvh', 0xcfc, 4)]).toEqual(['passedOn', 'none', 'none']);
  });

  it('ELCR in two bytes is of Xen since 4.18', () => {
    expect(['4.14', '4.17', '4.18', '4.20'].map((version) => port('hvm', 0x4d0, 2, version))).toEqual([
      ...['none', 'none', 'taken', 'taken'],
    ]);
    expect(port('hvm', 0x4d1, 1, '4.14')).toBe('taken');
  });

  it('VGA registers were watched until 4.17.5', () => {
    expect(['4.14', '4.17.5', '4.17.6', '4.20'].map((version) => port('hvm', 0x3c4, 2, version))).toEqual([
      ...['passedOn', 'passedOn', 'none', 'none'],
    ]);
  });
});

describe('memory', () => {
  it('of the local APIC is of Xen in all guests, of the other PC devices in HVM guests', () => {
    for (const [address, pvh] of [
      [0xfee0_0020n, 'taken'],
      [0xfec0_0010n, 'none'],
      [0xfed0_03f8n, 'none'],
    ] as const) {
      expect([memory('hvm', { address, size: 8 }), memory('pvh', { address, size: 8 })]).toEqual(['taken', pvh]);
    }
    expect(memory('hvm', { address: 0xfed0_0400n })).toBe('none');
  });

  it('that begins in such a device and ends outside crashes the domain', () => {
    expect(memory('hvm', { address: 0xfee0_0ffcn, size: 8 })).toBe('crash');
    expect(memory('pvh', { address: 0xfec0_00fcn, size: 8 })).toBe('none');
    // The first byte counts, whatever the direction.
    expect(memory('hvm', { address: 0xfed0_0400n, size: 4, count: 2, backwards: true })).toBe('crash');
    expect(memory('hvm', { address: 0xfecf_fffcn, size: 8 })).toBe('none');
  });

  it('of the screen is buffered when it is a single write', () => {
    const address = 0xa_0000n;
    expect(memory('hvm', { address, size: 4 })).toBe('buffered');
    expect(memory('hvm', { address, size: 4, isRead: true })).toBe('none');
    expect(memory('hvm', { address, size: 4, count: 2 })).toBe('none');
    expect(memory('hvm', { address: 0xb_ffffn, size: 2 })).toBe('none');
    expect(memory('pvh', { address, size: 4 })).toBe('none');
    expect(memory('hvm', { address, size: 4, isRead: true }, '4.14')).toBe('depends');
  });
});
