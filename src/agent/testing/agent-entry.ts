import { createRequire } from 'node:module';
import { Agent } from '../agent.ts';

/** The entry of a test's agent: in a place of its own, which the environment names. */
export function start(): void {
  // The agent asks for a domain's servers itself.
  createRequire(import.meta.url)(process.env['FAKE_XEN'] ?? '');
  const { DEVICE_MODEL = '', ADDON = '', PLACE = '' } = process.env;
  new Agent(DEVICE_MODEL, ADDON, { directory: PLACE, lock: `\0ioreqlab-test-${PLACE}` }).run();
}
