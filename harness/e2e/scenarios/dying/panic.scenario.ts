/**
 * For tests of runs: dom0's kernel panics while it answers an access.
 */
import { scenario } from 'ioreqlab/scenario';
import panic from './panic.device.ts';

scenario('dom0 panics', { environments: ['pvh'] }, async ({ guest, deviceModel }) => {
  await deviceModel.attach(panic, { at: { button: 0x6000 } });
  await guest.run((program) => program.in(0x6000, 1));
});
