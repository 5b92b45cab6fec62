import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { imageInputsSchema } from './image-inputs.ts';

/** `manifest.json` of an image: what it was made from, and how to recognise that it is whole. */
export const imageManifestSchema = z.strictObject({
  inputs: imageInputsSchema,
  /** When it was made, ISO 8601. */
  created: z.iso.datetime(),
  /** Versions of all Debian packages inside, by name. */
  packages: z.record(z.string(), z.string()),
  /** The image's files by name: size in bytes, and lower-case hexadecimal SHA-256 of those that are small. */
  files: z.record(z.string(), z.strictObject({ bytes: z.number().int(), sha256: z.string().optional() })),
  /** The host's only public key, in OpenSSH's format. */
  hostKey: z.string().startsWith('ssh-ed25519 '),
});

/** See {@link imageManifestSchema}. */
export type ImageManifest = z.infer<typeof imageManifestSchema>;

/**
 * Reads and checks the manifest in a directory, and that the files it lists are there in full length.
 *
 * @returns undefined when there is no manifest or anything is wrong: then the thing has to be made anew
 */
export async function readManifest<T extends { files: ImageManifest['files'] }>(
  directory: string,
  name: string,
  schema: z.ZodType<T>,
): Promise<T | undefined> {
  try {
    const manifest = schema.parse(JSON.parse(await readFile(join(directory, name), 'utf8')));
    for (const [file, { bytes }] of Object.entries(manifest.files)) {
      if ((await stat(join(directory, file))).size !== bytes) return undefined;
    }
    return manifest;
  } catch {
    return undefined;
  }
}
