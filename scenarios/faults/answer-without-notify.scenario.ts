/**
 * # Background
 * A vCPU that waits for a device model is blocked (_VPF_blocked_in_xen) until its event channel is notified: Xen does not
 * look at the slot by itself (wait_on_xen_event_channel in xen/include/xen/event.h, wait_for_io in xen/common/ioreq.c).
 *
 * # Method
 * A request is answered, but nobody is told. After a while the slot must still hold the answer; told then, the vCPU takes it.
 *
 * # A broken Xen
 * would poll, or lose an answer that was there before its notification.
 */
import { expect, scenario } from 'ioreqlab/scenario';
import { oracle, page, port, ranges } from './faulty.ts';

scenario('an answer that nobody is told of waits', { oracle }, async ({ guest, deviceModel }) => {
  const late = [
    { do: 'answer', data: 0x1234_5678n },
    { do: 'wait', ms: 30 },
    { do: 'look' },
    { do: 'notify' },
  ] as const;
  await deviceModel.misbehave({ ranges, scripts: [late, late] });
  const seen = await guest.run((program) => program.in(port, 4).load(page, 4));
  expect(seen.results.map(({ value }) => value)).toEqual([0x1234_5678, 0x1234_5678]);
  expect((await deviceModel.takeFaults()).map(({ states }) => states)).toEqual([[3], [3]]);
});
