import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isMainThread, workerData } from 'node:worker_threads';
import { runServerWorker, type ServerWorkerData } from '../server/server-worker.ts';
import { Agent } from './agent.ts';
import { runDeviceModelProcess } from './device-model.ts';

/**
 * The entry of the bundle that goes to dom0. One file plays all parts: the agent, a guest's device-model process, and
 * the worker of a server.
 */
export function main(): void {
  const bundle = fileURLToPath(import.meta.url);
  const addonFile = join(dirname(bundle), 'ioreq.node');
  if (!isMainThread) {
    if ((workerData as ServerWorkerData).role === 'server') runServerWorker();
  } else if (process.argv[2] === 'device-model') runDeviceModelProcess();
  else new Agent(bundle, addonFile).run();
}
