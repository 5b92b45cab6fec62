import { isMainThread } from 'node:worker_threads';
import { runServerWorker } from '../server/server-worker.ts';
import { runDeviceModelProcess } from './device-model.ts';

/**
 * The entry of `device-model.mjs` in dom0: a guest's device-model process, and in other threads its servers' workers. It
 * is apart from the agent's bundle, which has more to load.
 */
export function runDeviceModel(): void {
  if (isMainThread) runDeviceModelProcess();
  else runServerWorker();
}
