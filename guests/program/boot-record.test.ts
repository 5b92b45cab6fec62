import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isLabError } from '../../src/errors.ts';
import { formatDigest } from './c-header.ts';
import { checksum } from './checksum.ts';
import { BOOT_RECORD, ENVIRONMENT, FEATURE, MAGIC } from './format.ts';
import { decodeBootRecord } from './index.ts';
import { StructView } from './layout.ts';

function record(change: (fields: StructView<keyof typeof BOOT_RECORD.fields>) => void = () => undefined): Uint8Array {
  const bytes = new Uint8Array(BOOT_RECORD.size);
  const view = new DataView(bytes.buffer);
  const fields = new StructView(BOOT_RECORD, view, 0);
  fields.set('magic', MAGIC.boot);
  fields.set('format', formatDigest);
  fields.set('environment', ENVIRONMENT.hvm);
  fields.set('xenVersion', (4 << 16) | 20);
  fields.set('vcpusOnline', 2);
  fields.set('vcpuMask', 0b101);
  fields.set('features', FEATURE.xen);
  fields.set('mappedGib', 8);
  fields.set('bootCycles', 1234n);
  fields.set('apicIds', 4, 2);
  change(fields);
  fields.set('checksum', checksum(view, 0, fields.position('checksum')));
  return bytes;
}

describe('the boot record', () => {
  it('tells how and where the guest runs', () => {
    expect(decodeBootRecord(record())).toEqual({
      environment: 'hvm',
      xenVersion: '4.20',
      vcpus: [0, 2],
      apicIds: new Map([
        [0, 0],
        [2, 4],
      ]),
      features: { avx: false, gibPages: false, xen: true },
      mappedGib: 8,
      bootCycles: 1234,
    });
  });

  it('is undefined before there is one', () => {
    expect(decodeBootRecord(new Uint8Array(4096))).toBeUndefined();
  });

  it('is refused when it makes no sense', () => {
    expect(() => decodeBootRecord(new Uint8Array(10))).toThrow('10 bytes of 112');
    expect(() => decodeBootRecord(record((fields) => fields.set('magic', 1)))).toThrow('magic is 0x1');
    expect(() => decodeBootRecord(record((fields) => fields.set('format', 1)))).toThrow('format 0x1');
    expect(() => decodeBootRecord(record((fields) => fields.set('vcpusOnline', 3)))).toThrow('count and mask differ');
    const torn = record();
    torn[20] = 0xff;
    expect(() => decodeBootRecord(torn)).toThrow('wrong checksum');
  });

  it('answers any bytes with a record, nothing, or an error of the guest', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          decodeBootRecord(bytes);
        } catch (error) {
          expect(isLabError(error) && error.blame === 'guest').toBe(true);
        }
      }),
    );
  });
});
