/**
 * Frames on a byte stream: a JSON header and any number of binary blobs.
 *
 * Layout, little endian: u32 bytes of the rest, u32 bytes of the header, u32 number of blobs, u32 length of each blob,
 * the header as UTF-8 JSON, the blobs.
 */

/** One message. The header is unchecked JSON. */
export interface Frame {
  readonly header: unknown;
  readonly blobs: readonly Uint8Array[];
}

/** A frame larger than this is refused: the peer is broken, or not ours. */
export const maxFrameBytes = 256 * 1024 * 1024;
const maxBlobs = 4096;

/** @throws RangeError when the other side would refuse it */
export function encodeFrame({ header, blobs }: Frame): Buffer {
  const json = Buffer.from(JSON.stringify(header), 'utf8');
  const size = blobs.reduce((sum, blob) => sum + blob.length, 12 + 4 * blobs.length + json.length);
  if (size > maxFrameBytes) throw new RangeError(`a message of ${size} bytes is too large`);
  if (blobs.length > maxBlobs) throw new RangeError(`a message of ${blobs.length} parts has too many`);
  const lengths = Buffer.alloc(12 + 4 * blobs.length);
  lengths.writeUInt32LE(json.length, 4);
  lengths.writeUInt32LE(blobs.length, 8);
  blobs.forEach((blob, i) => lengths.writeUInt32LE(blob.length, 12 + 4 * i));
  const frame = Buffer.concat([lengths, json, ...blobs]);
  frame.writeUInt32LE(frame.length - 4, 0);
  return frame;
}

/** Puts frames together from chunks of a stream. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #buffered = 0;

  /**
   * @returns the frames that this chunk completes
   * @throws RangeError or SyntaxError when the bytes are no frames; the stream is then of no use any more
   */
  push(chunk: Buffer): Frame[] {
    this.#chunks.push(chunk);
    this.#buffered += chunk.length;
    const frames: Frame[] = [];
    for (;;) {
      if (this.#buffered < 4) return frames;
      const length = this.#peek(4).readUInt32LE(0);
      if (length < 8 || length > maxFrameBytes) throw new RangeError(`${length} bytes cannot be a message`);
      if (this.#buffered < 4 + length) return frames;
      const whole = this.#peek(4 + length);
      this.#chunks = whole.length > 4 + length ? [whole.subarray(4 + length)] : [];
      this.#buffered -= 4 + length;
      frames.push(decode(whole.subarray(4, 4 + length)));
    }
  }

  /** The buffered bytes as one buffer, joined only when the first chunk is too short. */
  #peek(length: number): Buffer {
    const [first] = this.#chunks;
    if (first !== undefined && first.length >= length) return first;
    const joined = Buffer.concat(this.#chunks);
    this.#chunks = [joined];
    return joined;
  }
}

function decode(bytes: Buffer): Frame {
  const headerBytes = bytes.readUInt32LE(0);
  const count = bytes.readUInt32LE(4);
  let at = 8 + 4 * count;
  if (count > maxBlobs || at + headerBytes > bytes.length) throw new RangeError('a damaged message');
  const header: unknown = JSON.parse(bytes.toString('utf8', at, at + headerBytes));
  at += headerBytes;
  const blobs: Uint8Array[] = [];
  for (let i = 0; i < count; i++) {
    const length = bytes.readUInt32LE(8 + 4 * i);
    if (at + length > bytes.length) throw new RangeError('a damaged message');
    // A copy: views of it may then need any alignment, and the chunk can go.
    blobs.push(new Uint8Array(bytes.subarray(at, at + length)));
    at += length;
  }
  if (at !== bytes.length) throw new RangeError('a damaged message');
  return { header, blobs };
}
