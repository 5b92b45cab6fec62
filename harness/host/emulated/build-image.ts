import { createHash } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import { BuildDirectory } from './build-directory.ts';
import { makeDisk } from './debian-disk.ts';
import type { ImageInputs } from './image-inputs.ts';
import type { ImageManifest } from './image-manifest.ts';
import type { Disk } from './image-store.ts';
import { imageFiles } from './machine.ts';
import { stageFiles } from './stage-files.ts';

/** What an image is built with. */
export interface BuildOptions {
  readonly inputs: ImageInputs;
  /** Where the image shall be. */
  readonly directory: string;
  readonly mirror: string | undefined;
  readonly note: (text: string) => void;
  readonly signal: AbortSignal | undefined;
}

/**
 * Makes the disk, the keys and the manifest of an image. Whoever calls holds the lock of this Xen's images.
 *
 * @throws LabError: `NETWORK_DOWN`, `DISK_FULL`, `IMAGE_FAILED` with blame `host`
 */
export async function buildImage({ inputs, directory, mirror, note, signal }: BuildOptions): Promise<Disk> {
  await using build = await BuildDirectory.create(directory, `${inputs.xen}-`);
  const host = ssh2.utils.generateKeyPairSync('ed25519', { comment: 'ioreqlab-host' });
  const user = ssh2.utils.generateKeyPairSync('ed25519', { comment: 'ioreqlab' });
  await writeFile(join(build.path, imageFiles.privateKey), user.private, { mode: 0o600 });

  note('prepare files');
  const staged = join(build.scratch, 'staged');
  await stageFiles(staged, inputs, { hostPrivate: host.private, userPublic: user.public });
  const packages = await makeDisk({
    inputs,
    directory: build.path,
    scratch: build.scratch,
    staged,
    mirror,
    note,
    signal,
  });

  const small = await Promise.all(
    [imageFiles.xen, imageFiles.kernel, imageFiles.initrd].map(async (name) => {
      const content = await readFile(join(build.path, name));
      return [name, { bytes: content.length, sha256: createHash('sha256').update(content).digest('hex') }] as const;
    }),
  );
  const manifest: ImageManifest = {
    inputs,
    created: new Date().toISOString(),
    packages,
    files: {
      ...Object.fromEntries(small),
      [imageFiles.disk]: { bytes: (await stat(join(build.path, imageFiles.disk))).size },
    },
    hostKey: host.public,
  };
  await writeFile(join(build.path, imageFiles.manifest), `${JSON.stringify(manifest, undefined, 2)}\n`);
  signal?.throwIfAborted();
  await build.finish();
  return { directory, manifest };
}
