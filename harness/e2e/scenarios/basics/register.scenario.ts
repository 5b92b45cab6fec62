/**
 * For tests of runs: a scenario that passes, and whose ioreqs are known one by one.
 */
import { expect, scenario } from 'ioreqlab/scenario';
import register from './register.device.ts';

scenario('a register remembers', { tags: ['good'] }, async ({ guest, deviceModel }) => {
  await deviceModel.attach(register, { at: { register: 0x5000 } });
  const seen = await guest.run((program) => program.out(0x5000, 4, 0x12345678).in(0x5000, 4).in(0x5001, 1));
  expect(seen.results.slice(1).map(({ value }) => value)).toEqual([0x12345678, 0x56]);
});
