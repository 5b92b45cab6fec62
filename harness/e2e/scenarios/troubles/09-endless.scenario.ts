/**
 * For tests of runs: the guest never comes to the end of its program.
 */
import { scenario } from 'ioreqlab/scenario';

const jumpToItself = Uint8Array.of(0xeb, 0xfe);

scenario('a guest that never ends', { environments: ['pvh'], timeoutMs: 5_000 }, async ({ guest, signal }) => {
  await guest.run((program) => program.raw(jumpToItself), signal);
});
