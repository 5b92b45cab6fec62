/**
 * For tests of runs: the device-model process is killed while the guest waits for its answer.
 */
import { scenario } from 'ioreqlab/scenario';
import misbehaving from './misbehaving.device.ts';

scenario('a device-model process that dies', { environments: ['pvh'] }, async ({ guest, deviceModel }) => {
  await deviceModel.attach(misbehaving, { at: { trap: 0x6000 }, options: { how: 'die' } });
  await guest.run((program) => program.in(0x6000, 1));
});
