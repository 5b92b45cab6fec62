/**
 * For tests of runs: the guest never comes to the end of its program.
 */
import { scenario } from 'ioreqlab/scenario';

/** PAUSE; JMP to it. At PAUSE an emulated host lets its other processor go on. */
const forEver = Uint8Array.of(0xf3, 0x90, 0xeb, 0xfc);

scenario('a guest that never ends', { environments: ['pvh'], timeoutMs: 5_000 }, async ({ guest, signal }) => {
  await guest.run((program) => program.raw(forEver), signal);
});
