import { readFile, writeFile } from 'node:fs/promises';
import { LabError } from '../../src/errors.ts';

/**
 * Raw samples on disk: nothing but the numbers, little-endian, 4 bytes each in `*.u32`, 8 (IEEE 754) in `*.f64`. NumPy reads
 * them with `numpy.fromfile(path, '<u4')` and `'<f8'`.
 */
export type RawSamples = Uint32Array | Float64Array;

/** The file name extension for samples of this type, without the dot. */
export function samplesExtension(samples: RawSamples): 'u32' | 'f64' {
  return samples instanceof Uint32Array ? 'u32' : 'f64';
}

/** Writes a new file; `path` must end in `.u32` or `.f64`, as {@link samplesExtension} says. */
export async function writeSamples(path: string, samples: RawSamples): Promise<void> {
  // The project runs on x86 only, where memory has the byte order of the file.
  await writeFile(path, Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength), { flag: 'wx' });
}

/** Throws a LabError for a file that is not there, has another extension or ends in the middle of a number. */
export async function readSamples(path: string): Promise<RawSamples> {
  const width = path.endsWith('.u32') ? 4 : path.endsWith('.f64') ? 8 : 0;
  if (width === 0) throw unreadable(path, 'neither .u32 nor .f64');
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw unreadable(path, 'cannot be read', cause);
  }
  if (bytes.length % width !== 0) throw unreadable(path, `${bytes.length} bytes are no whole number of samples`);
  // A Buffer may lie at an odd offset of a shared block; typed arrays must not.
  const own = new Uint8Array(bytes).buffer;
  return width === 4 ? new Uint32Array(own) : new Float64Array(own);
}

function unreadable(path: string, why: string, cause?: unknown): LabError {
  return new LabError(`samples in ${path}: ${why}`, { blame: 'usage', code: 'SAMPLES_UNREADABLE', cause });
}
