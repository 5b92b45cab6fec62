import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { z } from 'zod';
import { runtimeDigest } from '../../deploy/runtime.ts';
import { repository } from '../../repository.ts';
import { dom0Packages } from './dom0-packages.ts';
import { releaseOf, xenVersions, type XenVersion } from './xen-versions.ts';

/** Raised whenever images made by an older version of this code must not be used, though their inputs are the same. */
const formatVersion = 1;

/** Absolute path of what goes into dom0's image. */
export const dom0Sources: string = join(repository, 'infra/dom0');

/** Everything that decides what an image is like, but for the versions that Debian has on the day. */
export const imageInputsSchema = z.strictObject({
  format: z.number().int(),
  xen: z.enum(xenVersions),
  suite: z.string(),
  packages: z.array(z.string()).readonly(),
  /** Lower-case hexadecimal SHA-256 of the files of infra/dom0. */
  sources: z.string(),
  /** Lower-case hexadecimal SHA-256 of the Node binary for dom0. */
  runtime: z.string(),
});

/** See {@link imageInputsSchema}. */
export type ImageInputs = z.infer<typeof imageInputsSchema>;

/** The inputs of an image with this Xen, made now. */
export async function imageInputs(xen: XenVersion, sources: string = dom0Sources): Promise<ImageInputs> {
  return {
    format: formatVersion,
    xen,
    suite: releaseOf(xen).suite,
    packages: dom0Packages(xen),
    sources: await digestOfTree(sources),
    runtime: await runtimeDigest(),
  };
}

/** Twelve hexadecimal digits that stand for some inputs; object keys in the order given. */
export function keyOf(inputs: unknown): string {
  return createHash('sha256').update(JSON.stringify(inputs)).digest('hex').slice(0, 12);
}

/** A file of a tree. */
export interface TreeFile {
  /** Relative to the tree, with slashes. */
  readonly name: string;
  readonly path: string;
  readonly isExecutable: boolean;
}

/** The files below a directory in a fixed order, without documents for people. */
export async function filesBelow(directory: string): Promise<TreeFile[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && !entry.name.endsWith('.md'));
  const paths = files.map((entry) => join(entry.parentPath, entry.name));
  return await Promise.all(
    paths.sort().map(async (path) => ({
      name: relative(directory, path),
      path,
      isExecutable: ((await stat(path)).mode & 0o100) !== 0,
    })),
  );
}

/** Names, contents and executability count; nothing else survives a checkout. */
async function digestOfTree(directory: string): Promise<string> {
  const hash = createHash('sha256');
  for (const { name, path, isExecutable } of await filesBelow(directory)) {
    const content = await readFile(path);
    hash.update(`${isExecutable ? 'x' : '-'} ${content.length} ${name}\n`).update(content);
  }
  return hash.digest('hex');
}
