// What a test's ServingThread runs: serves one server, and answers a read of an address with the address plus one.

import { createRequire } from 'node:module';
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';

/** @type {{ addonFile: string, server: number, lane: number }} */
const { addonFile, server, lane } = workerData;
/** @type {import('../../xen/addon.ts').Addon} */
const addon = createRequire(import.meta.url)(addonFile);
const words = new Uint32Array(addon.requestWords(server, lane));
const next = addon.bindServe(server, lane);

for (;;) {
  next();
  // The indices of src/server/request.ts.
  const [code, , , , addressLow = 0, addressHigh = 0] = words;
  if (code === 0) {
    words[10] = addressLow + 1;
    words[11] = addressHigh;
    continue;
  }
  parentPort?.postMessage({ code, errno: words[10] });
  if (code !== 1 || (parentPort !== null && receiveMessageOnPort(parentPort) !== undefined)) break;
}
