import { mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { SshTarget } from '../ssh-target.ts';
import { detectAccelerator, type Accelerator, type Timing } from './accelerator.ts';
import { bootAndSave } from './boot.ts';
import { BuildDirectory } from './build-directory.ts';
import { bytesToBuild, bytesToSave, explainFileError, requireSpace } from './build-failure.ts';
import { buildImage } from './build-image.ts';
import { cacheAt, type Cache } from './cache.ts';
import { parseMirror } from './debian-disk.ts';
import { holdLock } from './file-lock.ts';
import { imageInputs, keyOf, type ImageInputs } from './image-inputs.ts';
import { imageManifestSchema, readManifest, type ImageManifest } from './image-manifest.ts';
import { imageFiles, stateFiles } from './machine.ts';
import { stateInputs, stateManifestSchema, type StateInputs, type StateManifest } from './machine-state.ts';
import { qemuVersion } from './qemu.ts';
import { removeTree } from './remove-tree.ts';
import { requireTools, toolsToBuild, toolsToRun } from './required-tools.ts';
import type { XenVersion } from './xen-versions.ts';

/** A disk with Xen and dom0, and the saved state of the machine that booted from it. */
export interface EmulatedImage {
  readonly xen: XenVersion;
  readonly timing: Timing;
  readonly accelerator: Accelerator;
  /** Absolute path of the image. */
  readonly directory: string;
  readonly manifest: ImageManifest;
  /** Absolute path of the saved state. */
  readonly stateDirectory: string;
  readonly state: StateManifest;
  readonly cache: Cache;
}

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

/** How to log in to a host of this image that listens on a port of the loopback interface. */
export function sshTargetOf(directory: string, manifest: ImageManifest, port: number): SshTarget {
  return {
    address: '127.0.0.1',
    port,
    user: 'root',
    privateKeyFile: join(directory, imageFiles.privateKey),
    hostKeys: [manifest.hostKey],
  };
}

async function ensure(options: ImageOptions, cache: Cache): Promise<EmulatedImage> {
  const { xen, timing = 'exact', note = () => undefined, signal } = options;
  const text = options.mirror ?? process.env['IOREQLAB_MIRROR'];
  const mirror = text ? parseMirror(text) : undefined;
  await requireTools(toolsToRun);
  await mkdir(cache.temporary, { recursive: true });
  const accelerator = options.accelerator ?? (await detectAccelerator(timing));
  const asked = { inputs: await imageInputs(xen), state: await stateInputs(timing, accelerator, await qemuVersion()) };
  const find = async (): Promise<EmulatedImage | undefined> => await findImage(asked.inputs, asked.state, cache);

  const askedAt = Date.now();
  const found = options.refresh ? undefined : await find();
  if (found) return found;

  await requireTools(toolsToBuild);
  await using _lock = await holdLock(join(cache.locks, `image-${xen}.lock`), {
    onWait: () => note('wait for another process that makes the same image'),
    ...(signal ? { signal } : {}),
  });
  const directory = imageDirectory(asked.inputs, cache);
  let manifest = await readManifest(directory, imageFiles.manifest, imageManifestSchema);
  // Whoever waited for somebody else's refresh has got it.
  const isFresh = manifest !== undefined && Date.parse(manifest.created) >= askedAt;
  if (!manifest || (options.refresh && !isFresh)) {
    await requireSpace(cache.directory, bytesToBuild);
    await buildImage({ inputs: asked.inputs, directory, mirror, note, signal });
    manifest = await readManifest(directory, imageFiles.manifest, imageManifestSchema);
    if (!manifest) throw new Error(`${directory} was made and is not whole`);
  }
  const state = await find();
  if (state) return state;

  await requireSpace(cache.directory, bytesToSave);
  await using build = await BuildDirectory.create(stateDirectory(directory, asked.state));
  const whole = manifest;
  await bootAndSave({
    inputs: asked.state,
    build,
    target: (port) => sshTargetOf(directory, whole, port),
    temporary: cache.temporary,
    note,
    signal,
  });
  await build.finish();
  const made = await find();
  if (!made) throw new Error(`${directory} was made and is not whole`);
  await forgetOthers(cache, xen, directory);
  return made;
}

/** The image and the state, if both are there and whole. */
async function findImage(inputs: ImageInputs, wanted: StateInputs, cache: Cache): Promise<EmulatedImage | undefined> {
  const directory = imageDirectory(inputs, cache);
  const manifest = await readManifest(directory, imageFiles.manifest, imageManifestSchema);
  if (!manifest) return undefined;
  const at = stateDirectory(directory, wanted);
  const state = await readManifest(at, stateFiles.manifest, stateManifestSchema);
  if (!state) return undefined;
  const { timing, accelerator } = wanted;
  return { xen: inputs.xen, timing, accelerator, directory, manifest, stateDirectory: at, state, cache };
}

function imageDirectory(inputs: ImageInputs, cache: Cache): string {
  return join(cache.images, `${inputs.xen}-${keyOf(inputs)}`);
}

function stateDirectory(image: string, inputs: StateInputs): string {
  return join(image, imageFiles.states, `${inputs.timing}-${inputs.accelerator}-${keyOf(inputs)}`);
}

/** Removes images of the same Xen but this one and the one before it: somebody may go back and forth between two checkouts. */
async function forgetOthers(cache: Cache, xen: XenVersion, current: string): Promise<void> {
  const names = (await readdir(cache.images)).filter((name) => name.startsWith(`${xen}-`));
  const others = names.map((name) => join(cache.images, name)).filter((path) => path !== current);
  const dated = await Promise.all(others.map(async (path) => ({ path, time: (await stat(path)).mtimeMs })));
  dated.sort((a, b) => b.time - a.time);
  for (const { path } of dated.slice(1)) await removeTree(path);
}
