import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { SshTarget } from '../ssh-target.ts';
import type { Accelerator, Timing } from './accelerator.ts';
import type { Cache } from './cache.ts';
import { readHostRecords } from './host-record.ts';
import { keyOf, type ImageInputs } from './image-inputs.ts';
import { imageManifestSchema, readManifest, type ImageManifest } from './image-manifest.ts';
import { imageFiles, stateFiles } from './machine.ts';
import { stateManifestSchema, type StateInputs, type StateManifest } from './machine-state.ts';
import { removeTree } from './remove-tree.ts';
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

/** A disk with Xen and dom0. */
export interface Disk {
  /** Absolute path of the image. */
  readonly directory: string;
  readonly manifest: ImageManifest;
}

/**
 * The newest whole image made from these inputs. `images/<xen>-<key>-<generation>`: one that is made anew does not replace
 * the one before, from which hosts may be running.
 */
export async function findDisk(cache: Cache, inputs: ImageInputs): Promise<Disk | undefined> {
  const generations = await generationsOf(cache, inputs);
  for (const generation of generations.toReversed()) {
    const directory = directoryOf(cache, inputs, generation);
    const manifest = await readManifest(directory, imageFiles.manifest, imageManifestSchema);
    if (manifest) return { directory, manifest };
  }
  return undefined;
}

/** Where the next image from these inputs shall be. */
export async function nextDirectory(cache: Cache, inputs: ImageInputs): Promise<string> {
  return directoryOf(cache, inputs, ((await generationsOf(cache, inputs)).at(-1) ?? 0) + 1);
}

/** The newest image together with a fitting state, if both are there and whole. */
export async function findImage(
  cache: Cache,
  inputs: ImageInputs,
  wanted: StateInputs,
): Promise<EmulatedImage | undefined> {
  const disk = await findDisk(cache, inputs);
  if (!disk) return undefined;
  const at = stateDirectory(disk.directory, wanted);
  const state = await readManifest(at, stateFiles.manifest, stateManifestSchema);
  if (!state) return undefined;
  const { timing, accelerator } = wanted;
  return { xen: inputs.xen, timing, accelerator, ...disk, stateDirectory: at, state, cache };
}

/** Where the state with these inputs is, below an image. */
export function stateDirectory(image: string, inputs: StateInputs): string {
  return join(image, imageFiles.states, `${inputs.timing}-${inputs.accelerator}-${keyOf(inputs)}`);
}

/** How to log in to a host of an image that listens on a port of the loopback interface. */
export function sshTargetOf({ directory, manifest }: Disk, port: number): SshTarget {
  return {
    address: '127.0.0.1',
    port,
    user: 'root',
    privateKeyFile: join(directory, imageFiles.privateKey),
    hostKeys: [manifest.hostKey],
  };
}

/**
 * Removes the images with some Xen, but for one, the one before it (somebody may go back and forth between two checkouts), and
 * those of hosts that were started to stay.
 */
export async function forgetOthers(cache: Cache, xen: XenVersion, current: string): Promise<void> {
  const used = (await readHostRecords(cache)).map(({ imageDirectory }) => imageDirectory);
  const names = (await readdir(cache.images)).filter((name) => name.startsWith(`${xen}-`));
  const others = names.map((name) => join(cache.images, name)).filter((path) => path !== current);
  const dated = await Promise.all(others.map(async (path) => ({ path, time: (await stat(path)).mtimeMs })));
  const old = dated.sort((a, b) => b.time - a.time).slice(1);
  for (const { path } of old) if (!used.includes(path)) await removeTree(path);
}

function directoryOf(cache: Cache, inputs: ImageInputs, generation: number): string {
  return join(cache.images, `${inputs.xen}-${keyOf(inputs)}-${generation}`);
}

async function generationsOf(cache: Cache, inputs: ImageInputs): Promise<number[]> {
  const start = `${inputs.xen}-${keyOf(inputs)}-`;
  const names = await readdir(cache.images).catch(() => []);
  const numbers = names.filter((name) => name.startsWith(start)).map((name) => Number(name.slice(start.length)));
  return numbers.filter((number) => Number.isInteger(number)).sort((a, b) => a - b);
}
