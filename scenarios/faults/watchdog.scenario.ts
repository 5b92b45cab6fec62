/**
 * # Background
 * Nobody but the device model ends a wait (see no-answer.scenario.ts): so ours has a watchdog beside each handler, which
 * answers in its place after a second, with all ones, and from then on everything at once.
 *
 * # Method
 * A device's handler does not return. The guest must go on, with all ones, and a device on another server must not notice.
 *
 * # A broken library
 * would leave the vCPU waiting, or answer late requests of that device with something else.
 */
import { expect, scenario } from 'ioreqlab/scenario';
import scratch from '../port-io/scratch.device.ts';
import silent from './silent.device.ts';

const oracle = 'off because the watchdog’s answers are not in the trace of a worker that had to be ended';

scenario('a handler that never returns is answered for', { oracle }, async ({ guest, deviceModel, host, skip }) => {
  if (host.kind === 'model') skip('the model has no watchdog');
  await deviceModel.attach(silent, { server: 'silent', at: { register: 0x5420 } });
  await deviceModel.attach(scratch, { server: 'other', at: { register: 0x5430 }, options: { initial: 7 } });
  const seen = await guest.run((program) => program.in(0x5420, 4).in(0x5430, 4).in(0x5420, 2).out(0x5420, 4, 1));
  expect([0, 1, 2].map((i) => seen.results[i]?.value)).toEqual([0xffff_ffff, 7, 0xffff]);
  expect(deviceModel.takeTrouble()).toMatchObject({ blame: 'deviceModel', code: 'HANDLER_STUCK' });
});
