import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { detectAccelerator, type Accelerator, type Timing } from './accelerator.ts';
import { bootAndSave } from './boot.ts';
import { BuildDirectory } from './build-directory.ts';
import { bytesToBuild, bytesToSave, explainFileError, requireSpace } from './build-failure.ts';
import { buildImage } from './build-image.ts';
import { cacheAt, type Cache } from './cache.ts';
import { parseMirror } from './debian-disk.ts';
import { holdLock } from './file-lock.ts';
import { imageInputs } from './image-inputs.ts';
import { findDisk, findImage, forgetOthers, nextDirectory, sshTargetOf, stateDirectory } from './image-store.ts';
import type { EmulatedImage } from './image-store.ts';
import { stateInputs } from './machine-state.ts';
import { qemuVersion } from './qemu.ts';
import { requireTools, toolsToBuild, toolsToRun } from './required-tools.ts';
import type { XenVersion } from './xen-versions.ts';

export type { EmulatedImage } from './image-store.ts';

/** What is asked of {@link ensureImage}. */
export interface ImageOptions {
  readonly xen: XenVersion;
  /** Default `exact`. Each timing has a state of its own, made when it is first asked for. */
  readonly timing?: Timing;
  /** Default: the quickest that works here. */
  readonly accelerator?: Accelerator;
  /** Makes the image anew, with the packages that Debian has now. */
  readonly refresh?: boolean;
  /** Address of a Debian mirror; default `$IOREQLAB_MIRROR`, else mmdebstrap's own. */
  readonly mirror?: string;
  /** Default: see {@link cacheAt}. */
  readonly cacheDirectory?: string;
  /** Says what is being done. */
  readonly note?: (text: string) => void;
  readonly signal?: AbortSignal;
}

/**
 * Gives the image with some version of Xen, from the cache when everything that went into it is still the same. Else makes
 * it: some minutes. When another process makes the same, waits for it.
 *
 * @throws LabError: `TOOL_MISSING`, `MIRROR_INVALID`, `CACHE_UNWRITABLE` with blame `usage`; `NETWORK_DOWN`, `DISK_FULL`,
 * `IMAGE_FAILED`, `BOOT_FAILED` with blame `host`. Nothing half-made is left.
 */
export async function ensureImage(options: ImageOptions): Promise<EmulatedImage> {
  const cache = cacheAt(options.cacheDirectory);
  try {
    return await ensure(options, cache);
  } catch (error) {
    throw explainFileError(error, cache.directory);
  }
}

async function ensure(options: ImageOptions, cache: Cache): Promise<EmulatedImage> {
  const { xen, timing = 'exact', refresh = false, note = () => undefined, signal } = options;
  const askedAt = Date.now();
  const mirrorText = options.mirror ?? process.env['IOREQLAB_MIRROR'];
  const mirror = mirrorText ? parseMirror(mirrorText) : undefined;
  await requireTools(toolsToRun);
  await mkdir(cache.temporary, { recursive: true });
  const accelerator = options.accelerator ?? (await detectAccelerator(timing));
  const inputs = await imageInputs(xen);
  const state = await stateInputs(timing, accelerator, await qemuVersion());

  const found = refresh ? undefined : await findImage(cache, inputs, state);
  if (found) return found;

  await requireTools(toolsToBuild);
  await using _lock = await holdLock(join(cache.locks, `image-${xen}.lock`), {
    onWait: () => note('wait for another process that makes the same image'),
    ...(signal ? { signal } : {}),
  });
  let disk = await findDisk(cache, inputs);
  // Who waited for somebody else's refresh has got it.
  if (!disk || (refresh && Date.parse(disk.manifest.created) < askedAt)) {
    await requireSpace(cache.directory, bytesToBuild);
    disk = await buildImage({ inputs, directory: await nextDirectory(cache, inputs), mirror, note, signal });
  }
  const target = disk;
  if (!(await findImage(cache, inputs, state))) {
    await requireSpace(cache.directory, bytesToSave);
    await using build = await BuildDirectory.create(stateDirectory(disk.directory, state), '');
    await bootAndSave({
      inputs: state,
      build,
      target: (port) => sshTargetOf(target, port),
      temporary: cache.temporary,
      note,
      signal,
    });
    await build.finish();
  }
  const image = await findImage(cache, inputs, state);
  if (!image) throw new Error(`${disk.directory} was made and is not whole`);
  await forgetOthers(cache, xen, image.directory);
  return image;
}
