/**
 * For tests of runs: passes after a scenario whose handler threw.
 */
import { expect, scenario } from 'ioreqlab/scenario';
import register from '../basics/register.device.ts';

scenario('a guest works', { environments: ['pvh'] }, async ({ guest, deviceModel }) => {
  await deviceModel.attach(register, { at: { register: 0x5000 } });
  const seen = await guest.run((program) => program.out(0x5000, 4, 0x5a).in(0x5000, 4));
  expect(seen.results[1]?.value).toBe(0x5a);
});
