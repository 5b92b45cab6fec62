/**
 * For tests of runs: a handler never returns, so that the watchdog has to answer.
 */
import { scenario } from 'ioreqlab/scenario';
import misbehaving from './misbehaving.device.ts';

scenario('a handler that never returns', { environments: ['pvh'] }, async ({ guest, deviceModel }) => {
  await deviceModel.attach(misbehaving, { at: { trap: 0x6000 }, options: { how: 'hang' } });
  await guest.run((program) => program.in(0x6000, 1));
});
