import { join } from 'node:path';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { repository } from './repository.ts';

const packageSchema = z.object({ version: z.string(), exports: z.record(z.string(), z.string()) });
const manifest = packageSchema.parse(JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')));

/** Of package.json. */
export const version: string = manifest.version;

/**
 * What scenarios and devices import, such as `ioreqlab/device`, and the file behind it: so that they find it wherever
 * they lie, inside the checkout or not.
 */
export const entryPoints: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(manifest.exports)
    .filter(([, file]) => file.endsWith('.ts'))
    .map(([name, file]) => [`ioreqlab/${name.slice(2)}`, join(repository, file)]),
);
