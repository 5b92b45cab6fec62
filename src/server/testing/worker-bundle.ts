import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const source = fileURLToPath(new URL('../..', import.meta.url));

/** A bundle on disk, as dom0 has them, with the devices of devices.ts. */
export class TestBundle implements Disposable {
  readonly file: string;
  readonly #directory: string;

  private constructor(directory: string, file: string) {
    this.#directory = directory;
    this.file = file;
  }

  /** @param start TypeScript that starts what the bundle is for; its imports are relative to src/ */
  static async make(start: string): Promise<TestBundle> {
    const directory = mkdtempSync(join(tmpdir(), 'ioreqlab-bundle-'));
    const file = join(directory, 'bundle.mjs');
    const entry = [
      "import { registerDevices } from './device/registry.ts';",
      "import { testDevices } from './server/testing/devices.ts';",
      start,
      'registerDevices(testDevices);',
      'start();',
    ].join('\n');
    await build({
      stdin: { contents: entry, resolveDir: source, loader: 'ts' },
      ...({
        bundle: true,
        platform: 'node',
        format: 'esm',
        target: 'node20',
        outfile: file,
        logLevel: 'silent',
      } as const),
    });
    return new TestBundle(directory, file);
  }

  [Symbol.dispose](): void {
    rmSync(this.#directory, { recursive: true });
  }
}
