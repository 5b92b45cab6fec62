import { createRequire } from 'node:module';
import { join } from 'node:path';
import { runInThisContext } from 'node:vm';
import { z } from 'zod';
import { LabError, messageOf } from '../../src/errors.ts';
import { repository } from '../repository.ts';
import { shownPath } from './shown-path.ts';

const deviceSchema = z.looseObject({
  name: z.string().min(1),
  regions: z.union([
    z.record(z.string(), z.unknown()),
    z.custom<() => unknown>((value) => typeof value === 'function'),
  ]),
});
const loadedSchema = z.array(z.unknown());

/** The source of a module whose exports {@link checkDevices} understands. */
export function devicesEntry(files: readonly string[]): string {
  const imports = files.map((file, i) => `import device${i} from ${JSON.stringify(file)};`);
  return [...imports, `export const devices = [${files.map((_, i) => `device${i}`).join(', ')}];`].join('\n');
}

/**
 * Loads the devices here, so that what would keep dom0's process from starting is found before a host is.
 *
 * @param code {@link devicesEntry}, bundled as CommonJS
 * @throws LabError with blame `scenario`: `DEVICE_BROKEN`, `DEVICE_NAME_TAKEN`
 */
export function checkDevices(files: readonly string[], code: string): void {
  const owners = new Map<string, string>();
  load(code).forEach((device, i) => {
    const file = shownPath(files[i] ?? '');
    const parsed = deviceSchema.safeParse(device);
    if (!parsed.success) throw broken(`${file}: its default export is no device`);
    const { name } = parsed.data;
    const other = owners.get(name);
    if (other !== undefined) {
      throw new LabError(`two devices are named ${JSON.stringify(name)}: ${other} and ${file}`, {
        blame: 'scenario',
        code: 'DEVICE_NAME_TAKEN',
        next: 'give one of them another name; names are unique among all *.device.ts files',
      });
    }
    owners.set(name, file);
  });
}

function load(code: string): unknown[] {
  const module: { exports: Record<string, unknown> } = { exports: {} };
  try {
    const run = runInThisContext(`(function (module, exports, require) {${code}\n})`, { filename: 'devices' });
    const define = run as (module: object, exports: object, require: NodeJS.Require) => void;
    define(module, module.exports, createRequire(join(repository, 'package.json')));
  } catch (error) {
    throw broken(`${placeOf(error, code) ?? 'a device'} does not load: ${messageOf(error)}`, error);
  }
  return loadedSchema.parse(module.exports['devices']);
}

/** The file whose code threw: esbuild writes its name above it. */
function placeOf(error: unknown, code: string): string | undefined {
  const line = error instanceof Error ? /\bdevices:(\d+)/.exec(error.stack ?? '')?.[1] : undefined;
  if (line === undefined) return undefined;
  const names = code.split('\n').slice(0, Number(line));
  const name = names.toReversed().flatMap((text) => /^\s*\/\/ (\S.*\.[cm]?[jt]s)$/.exec(text)?.[1] ?? [])[0];
  return name === undefined ? undefined : shownPath(name);
}

function broken(message: string, cause?: unknown): LabError {
  const next = 'export what defineDevice gives as the default of a file named <name>.device.ts';
  return new LabError(message, { blame: 'scenario', code: 'DEVICE_BROKEN', next, cause });
}
