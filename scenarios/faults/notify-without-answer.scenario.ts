/**
 * # Background
 * A vCPU that is woken while its request is not answered looks at the slot, finds READY or INPROCESS, and waits again
 * (wait_for_io in xen/common/ioreq.c). Moving from READY to INPROCESS is progress, and no answer.
 *
 * # Method
 * A device model notifies without an answer, in both states, then answers.
 *
 * # A broken Xen
 * would let the vCPU go on with what lies in the slot, or crash the domain.
 */
import { expect, scenario } from 'ioreqlab/scenario';
import { answered, oracle, page, port, ranges } from './faulty.ts';

scenario('a notification is no answer', { oracle }, async ({ guest, deviceModel }) => {
  const hasty = [
    { do: 'notify' },
    { do: 'wait', ms: 5 },
    { do: 'look' },
    { do: 'state', state: 2 },
    { do: 'notify' },
    { do: 'wait', ms: 5 },
    { do: 'look' },
    ...answered(0x9876_5432n),
  ] as const;
  await deviceModel.misbehave({ ranges, scripts: [hasty, hasty] });
  const seen = await guest.run((program) => program.in(port, 4).load(page, 4));
  expect(seen.results.map(({ value }) => value)).toEqual([0x9876_5432, 0x9876_5432]);
  expect((await deviceModel.takeFaults()).map(({ states }) => states)).toEqual([
    [1, 2],
    [1, 2],
  ]);
});
