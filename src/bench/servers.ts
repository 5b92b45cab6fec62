import { createInterface } from 'node:readline';
import { isMainThread } from 'node:worker_threads';
import { registerDevices } from '../device/registry.ts';
import { ServerHost } from '../server/server-host.ts';
import { runServerWorker } from '../server/server-worker.ts';
import { WorkerPool } from '../server/worker-pool.ts';
import { loadAddon } from '../xen/addon.ts';
import register from './register.device.ts';

/** PORT of vcpu.c. */
const port = 0x5000;
/** Until it is told to stop: no round takes that long. */
const spinCycles = 1e15;
/** As in a guest's device-model process. */
const watchdogMs = 1_000;

/** Words and answers are those of vcpu.c. */
async function main(addonFile: string): Promise<void> {
  const addon = loadAddon(addonFile);
  addon.open(1, 1);
  addon.startWatchdog(watchdogMs);
  const pool = new WorkerPool(import.meta.filename, addonFile);
  const fail = ({ message }: { message: string }): void => {
    process.stderr.write(`${message}\n`);
    process.exit(1);
  };
  const typescript = new ServerHost(addon, pool, fail);
  await typescript.attach(register.name, {}, { register: port });
  const c = new ServerHost(addon, pool, fail);
  c.attachReference([port]);
  const servers = [typescript, c];

  const say = (word: string): void => void process.stdout.write(`${word}\n`);
  let spinning: ServerHost | undefined;
  createInterface({ input: process.stdin })
    .on('line', (line) => {
      // Whoever need not change is left alone: woken, it would look at the slots, which are the other's too.
      const next = servers.find((_, i) => line === `spin ${i}`);
      if (next !== spinning) spinning?.setWaiting({ mode: 'block' });
      if (next !== spinning) next?.setWaiting({ mode: 'spin', cycles: spinCycles });
      spinning = next;
      say('ok');
    })
    .on('close', () => process.exit(0));
  say('ready');
}

registerDevices([register]);
if (isMainThread) await main(process.argv[2] ?? '');
else runServerWorker();
