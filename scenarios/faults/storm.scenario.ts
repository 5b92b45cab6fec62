/**
 * # Background
 * A vCPU that waits is woken by every notification. Until XSA-348 each of them, while the vCPU was on its way to wait again,
 * took another piece of Xen's stack (hvm_do_resume; e6ebd39438 in 4.13.3, 4.14.1 and 4.15).
 *
 * # Method
 * A device model notifies forty thousand times before it answers, with the request READY and then INPROCESS, twice.
 *
 * # A broken Xen
 * would overflow its stack, which ends the host, or starve everybody else.
 */
import { expect, scenario } from 'ioreqlab/scenario';
import { answered, oracle, page, port, ranges } from './faulty.ts';

scenario('a storm of notifications wakes a vCPU and no more', { oracle }, async ({ guest, deviceModel }) => {
  const storm = [
    { do: 'notify', times: 10_000 },
    { do: 'state', state: 2 },
    { do: 'notify', times: 10_000 },
    { do: 'look' },
    ...answered(0x5757n),
  ] as const;
  await deviceModel.misbehave({ ranges, scripts: [storm, storm] });
  const seen = await guest.run((program) => program.in(port, 4).load(page, 4));
  expect(seen.results.map(({ value }) => value)).toEqual([0x5757, 0x5757]);
  expect((await deviceModel.takeFaults()).map(({ states }) => states)).toEqual([[2], [2]]);
});
