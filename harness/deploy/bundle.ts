import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build, type BuildFailure } from 'esbuild';
import { LabError } from '../../src/errors.ts';
import { entryPoints } from '../entry-points.ts';
import { repository } from '../repository.ts';
import { checkDevices, devicesEntry } from './check-devices.ts';
import { shownPath } from './shown-path.ts';

/** A file of the bundle. */
export interface BundleFile {
  readonly name: string;
  readonly contents: Buffer;
  /** Lower-case hexadecimal SHA-256. */
  readonly digest: string;
}

/** What goes to dom0, besides the Node runtime. */
export interface Bundle {
  /** Over names and contents of all files: the name of its directory in dom0. */
  readonly digest: string;
  readonly files: readonly BundleFile[];
}

/** File names in the bundle. */
export const bundleFiles = {
  agent: 'agent.mjs',
  deviceModel: 'device-model.mjs',
  addon: 'ioreq.node',
  guest: 'workload.elf',
} as const;

/** Every file that defines a device; those of scenarios may be anywhere below `directories`. */
export async function findDevices(directories: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const directory of directories) {
    for (const file of await readdir(directory, { recursive: true })) {
      if (file.endsWith('.device.ts') && !file.includes('node_modules/')) found.push(join(directory, file));
    }
  }
  return found.sort();
}

const source = (file: string): string => JSON.stringify(join(repository, 'src', file));

/** The agent knows no devices. */
const agentEntry = [
  `import { runAgent } from ${source('agent/agent-main.ts')};`,
  `runAgent(${JSON.stringify(bundleFiles.deviceModel)}, ${JSON.stringify(bundleFiles.addon)});`,
].join('\n');

function deviceModelEntry(devices: readonly string[]): string {
  return [
    ...devices.map((file, i) => `import device${i} from ${JSON.stringify(file)};`),
    `import { registerDevices } from ${source('device/registry.ts')};`,
    `import { runDeviceModel } from ${source('agent/device-model-main.ts')};`,
    `registerDevices([${devices.map((_, i) => `device${i}`).join(', ')}]);`,
    'runDeviceModel();',
  ].join('\n');
}

async function bundled(entry: string, format: 'esm' | 'cjs' = 'esm'): Promise<Buffer> {
  const { outputFiles } = await build({
    stdin: { contents: entry, resolveDir: repository, sourcefile: 'entry.ts', loader: 'ts' },
    bundle: true,
    platform: 'node',
    target: 'node20',
    format,
    alias: entryPoints,
    legalComments: 'none',
    minifySyntax: true,
    write: false,
    logLevel: 'silent',
    absWorkingDir: repository,
  }).catch((error: unknown) => {
    const { errors = [] } = error as Partial<BuildFailure>;
    const lines = errors.map(({ text, location }) =>
      location === null || location.file === 'entry.ts'
        ? text
        : `${shownPath(location.file)}:${location.line}: ${text}`,
    );
    throw new LabError(`a device does not compile:\n${lines.join('\n') || String(error)}`, {
      blame: 'scenario',
      code: 'BUNDLE_FAILED',
      next: 'mend it, or move it out of the directory of scenarios',
      cause: error,
    });
  });
  return Buffer.from(outputFiles[0]?.contents ?? new Uint8Array());
}

/**
 * Bundles the agent, and the device-model process with all devices, and adds the addon and the guest.
 *
 * @param directories where `*.device.ts` files are
 * @throws LabError `BUNDLE_FAILED` when a device does not compile, what {@link checkDevices} throws, `NOT_BUILT` when the addon or the guest is missing
 */
export async function buildBundle(directories: readonly string[]): Promise<Bundle> {
  const devices = await findDevices(directories);
  const [agent, deviceModel, onlyDevices] = await Promise.all([
    bundled(agentEntry),
    bundled(deviceModelEntry(devices)),
    bundled(devicesEntry(devices), 'cjs'),
  ]);
  checkDevices(devices, onlyDevices.toString('utf8'));
  const files = [
    toFile(bundleFiles.agent, agent),
    toFile(bundleFiles.deviceModel, deviceModel),
    toFile(bundleFiles.addon, await readBuilt('build/native/ioreq.node')),
    toFile(bundleFiles.guest, await readBuilt('build/guests/workload.elf')),
  ];
  const digest = createHash('sha256');
  for (const file of files) digest.update(`${file.name}\0${file.digest}\n`);
  return { digest: digest.digest('hex'), files };
}

function toFile(name: string, contents: Buffer): BundleFile {
  return { name, contents, digest: createHash('sha256').update(contents).digest('hex') };
}

async function readBuilt(path: string): Promise<Buffer> {
  return await readFile(join(repository, path)).catch((error: unknown) => {
    throw new LabError(`${path} has not been built`, {
      blame: 'usage',
      code: 'NOT_BUILT',
      next: 'ioreqlab setup',
      cause: error,
    });
  });
}
