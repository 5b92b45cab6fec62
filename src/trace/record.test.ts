import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readTrace, traceRecordBytes } from './record.ts';

it('an empty trace has no records', () => {
  expect(readTrace(new Uint8Array())).toEqual([]);
});

it('what is no whole number of records is refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), (bytes) => {
      fc.pre(bytes.length % traceRecordBytes !== 0);
      expect(() => readTrace(bytes)).toThrow(RangeError);
    }),
  );
});

it('any bytes are records or a RangeError, never anything else', () => {
  const whole = fc.nat({ max: 5 }).chain((count) => {
    const length = count * traceRecordBytes;
    return fc.uint8Array({ minLength: length, maxLength: length });
  });
  fc.assert(
    fc.property(whole, fc.boolean(), (bytes, isPlausible) => {
      for (let at = 0; at < bytes.length; at += traceRecordBytes) {
        if (!isPlausible) break;
        bytes[at + 55] = (bytes[at + 55] ?? 0) & 15;
        bytes[at + 56] = (bytes[at + 56] ?? 0) % 3;
      }
      const isSound = bytes.every((byte, i) => {
        const field = i % traceRecordBytes;
        return field === 55 ? byte <= 15 : field === 56 ? byte <= 2 : true;
      });
      if (isSound) expect(readTrace(bytes)).toHaveLength(bytes.length / traceRecordBytes);
      else expect(() => readTrace(bytes)).toThrow(/damaged/);
    }),
  );
});

it('a trace may lie anywhere in a larger buffer', () => {
  const bytes = new Uint8Array(3 + traceRecordBytes);
  bytes[3 + 48] = 42;
  expect(readTrace(bytes.subarray(3))).toMatchObject([{ sequence: 42 }]);
});
