import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../fixtures/temporary.ts';
import { readSamples, samplesExtension, writeSamples } from './samples.ts';

const arrays = fc.oneof(fc.uint32Array(), fc.float64Array({ noNaN: true }));

test('samples come back as they were', async () => {
  const directory = temporaryDirectory();
  let file = 0;
  await fc.assert(
    fc.asyncProperty(arrays, async (samples) => {
      file += 1;
      const path = join(directory, `${file}.${samplesExtension(samples)}`);
      await writeSamples(path, samples);
      expect(await readSamples(path)).toEqual(samples);
    }),
    { numRuns: 40 },
  );
});

test('a part of an array is written as that part', async () => {
  const path = join(temporaryDirectory(), 'part.u32');
  await writeSamples(path, Uint32Array.of(1, 2, 3, 4).subarray(1, 3));
  expect(await readSamples(path)).toEqual(Uint32Array.of(2, 3));
});

test('other programs read the files: little-endian, nothing else', async () => {
  const directory = temporaryDirectory();
  const [counts, times] = [join(directory, 'a.u32'), join(directory, 'b.f64')];
  await writeSamples(counts, Uint32Array.of(1, 0xffffffff));
  await writeSamples(times, Float64Array.of(0.5, -2));
  const program =
    'import struct, sys; print(struct.unpack("<2I", open(sys.argv[1], "rb").read()), struct.unpack("<2d", open(sys.argv[2], "rb").read()))';
  expect(execFileSync('python3', ['-c', program, counts, times], { encoding: 'utf8' })).toBe(
    '(1, 4294967295) (0.5, -2.0)\n',
  );
});

test('nothing is overwritten', async () => {
  const path = join(temporaryDirectory(), 'a.u32');
  await writeSamples(path, Uint32Array.of(1));
  await expect(writeSamples(path, Uint32Array.of(2))).rejects.toMatchObject({ code: 'EEXIST' });
});

test('what holds no samples says why', async () => {
  const directory = temporaryDirectory();
  const torn = join(directory, 'torn.u32');
  writeFileSync(torn, new Uint8Array(7));
  await expect(readSamples(torn)).rejects.toThrow('7 bytes are no whole number of samples');
  await expect(readSamples(join(directory, 'none.u32'))).rejects.toMatchObject({
    code: 'SAMPLES_UNREADABLE',
    blame: 'usage',
  });
  await expect(readSamples(join(directory, 'a.csv'))).rejects.toThrow('neither .u32 nor .f64');
});
