/**
 * For tests of runs: a handler throws.
 */
import { scenario } from 'ioreqlab/scenario';
import misbehaving from './misbehaving.device.ts';

scenario('a handler that throws', { environments: ['pvh'] }, async ({ guest, deviceModel }) => {
  await deviceModel.attach(misbehaving, { at: { trap: 0x6000 }, options: { how: 'throw' } });
  await guest.run((program) => program.in(0x6000, 1));
});
