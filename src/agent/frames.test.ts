import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeFrame, FrameReader, maxFrameBytes, type Frame } from './frames.ts';

const frames = fc.array(
  fc.record({
    header: fc.jsonValue(),
    blobs: fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 4 }),
  }),
  { maxLength: 6 },
);
/** As JSON has it: no difference between 0 and -0. */
const plain = ({ header, blobs }: Frame): Frame => ({ header: JSON.parse(JSON.stringify(header)) as unknown, blobs });

function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length] ?? 1;
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

describe('frames', () => {
  it('come out of a stream as they went in, however it is cut', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 10 });
    fc.assert(
      fc.property(frames, sizes, (sent, chunkSizes) => {
        const reader = new FrameReader();
        const chunks = cut(Buffer.concat(sent.map(encodeFrame)), chunkSizes);
        expect(chunks.flatMap((chunk) => reader.push(chunk))).toEqual(sent.map(plain));
      }),
    );
  });

  it('come out as soon as they are complete', () => {
    const reader = new FrameReader();
    const [first, second] = [encodeFrame({ header: 1, blobs: [] }), encodeFrame({ header: 2, blobs: [] })];
    expect(reader.push(first.subarray(0, -1))).toEqual([]);
    expect(reader.push(Buffer.concat([first.subarray(-1), second]))).toHaveLength(2);
    expect(reader.push(Buffer.alloc(0))).toEqual([]);
  });

  it('own their blobs, whose memory any typed array may view', () => {
    const bytes = encodeFrame({ header: 'x', blobs: [Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)] });
    const [frame] = new FrameReader().push(bytes);
    bytes.fill(0);
    const blob = frame?.blobs[0] ?? new Uint8Array();
    expect(blob.byteOffset % 8).toBe(0);
    expect(new BigUint64Array(blob.buffer, blob.byteOffset, 1)[0]).toBe(0x0807_0605_0403_0201n);
  });

  it('that were damaged are frames or an error, never anything else', () => {
    const damage = fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 }));
    fc.assert(
      fc.property(frames, fc.array(damage, { minLength: 1, maxLength: 3 }), (sent, damages) => {
        const bytes = Buffer.concat(sent.map(encodeFrame));
        fc.pre(bytes.length > 0);
        for (const [at, by] of damages) bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ by;
        try {
          for (const { blobs } of new FrameReader().push(bytes)) expect(Array.isArray(blobs)).toBe(true);
        } catch (error) {
          expect(error instanceof RangeError || error instanceof SyntaxError).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('that are no frames are an error at once, and not a wait for so many bytes', () => {
    for (const length of [0, 7, maxFrameBytes + 1, 0xffff_ffff]) {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32LE(length);
      expect(() => new FrameReader().push(bytes)).toThrow(`${length} bytes cannot be a message`);
    }
    const whole = (...words: number[]): Buffer => Buffer.from(Uint32Array.from([4 * words.length, ...words]).buffer);
    for (const words of [
      [0, 0xffff_ffff],
      [0, 4097, 0],
      [0xffff_ffff, 0],
      [0, 1, 0xffff_ffff],
      [0, 5],
    ]) {
      expect(() => new FrameReader().push(whole(...words))).toThrow();
    }
  });

  it('that are longer than what is in them are damaged', () => {
    const bytes = Buffer.concat([encodeFrame({ header: 1, blobs: [Uint8Array.of(1)] }), Buffer.of(0)]);
    bytes.writeUInt32LE(bytes.length - 4);
    expect(() => new FrameReader().push(bytes)).toThrow('a damaged message');
  });

  it('that nobody would take are not made', () => {
    const blob = { length: maxFrameBytes } as Uint8Array;
    expect(() => encodeFrame({ header: 1, blobs: Array.from({ length: 4097 }, () => new Uint8Array()) })).toThrow(
      RangeError,
    );
    expect(() => encodeFrame({ header: 1, blobs: [blob] })).toThrow(RangeError);
    expect(() => encodeFrame({ header: undefined, blobs: [] })).toThrow(TypeError);
  });
});
