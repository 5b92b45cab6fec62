import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Agent } from './agent.ts';

/** The entry of `agent.mjs` in dom0. The other files of the bundle lie beside it. */
export function runAgent(deviceModelFile: string, addonFile: string): void {
  const directory = dirname(fileURLToPath(import.meta.url));
  new Agent(join(directory, deviceModelFile), join(directory, addonFile)).run();
}
