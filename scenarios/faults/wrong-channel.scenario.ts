/**
 * # Background
 * Each vCPU waits on an event channel of its own (hvm_ioreq_server_add_vcpu; ioreq_evtchn in xen/include/xen/ioreq.h). A
 * notification on another's wakes that other, which has nothing to do.
 *
 * # Method
 * The request of vCPU 0 is answered, and vCPU 1 is told. The answer must lie there until vCPU 0 is told.
 *
 * # A broken Xen
 * would wake the wrong vCPU, or have one channel for all.
 */
import { expect, scenario } from 'ioreqlab/scenario';
import { oracle, port, ranges, usual } from './faulty.ts';

scenario('an answer on another vCPU’s channel is not heard', { oracle }, async ({ guest, deviceModel }) => {
  const astray = [
    { do: 'answer', data: 0x4711n },
    { do: 'notify', vcpu: 1, times: 5 },
    { do: 'wait', ms: 30 },
    { do: 'look' },
    { do: 'notify' },
  ] as const;
  await deviceModel.misbehave({ ranges, scripts: [astray] });
  const seen = await guest.run((program) => program.in(port, 4));
  expect(seen.results[0]?.value).toBe(0x4711);
  expect((await deviceModel.takeFaults()).map(({ vcpu, states }) => [vcpu, states])).toEqual([[0, [3]]]);
  const all = await guest.runAll(Array.from({ length: guest.vcpus }, () => (program) => program.in(port, 4)));
  expect(all.map(({ results }) => results[0]?.value)).toEqual(all.map(() => usual));
});
