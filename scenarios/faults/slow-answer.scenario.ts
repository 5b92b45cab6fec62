/**
 * # Background
 * Xen has no time-out for a device model: a vCPU waits for as long as it takes (wait_for_io in xen/common/ioreq.c), and the
 * others run.
 *
 * # Method
 * One answer takes a third of a second. Meanwhile another vCPU makes requests of the same server.
 *
 * # A broken Xen
 * would give up, or let one vCPU hold up another.
 */
import { expect, scenario } from 'ioreqlab/scenario';
import { answered, oracle, page, port, ranges, usual } from './faulty.ts';

scenario('a slow answer holds up one vCPU only', { oracle }, async ({ guest, deviceModel }) => {
  await deviceModel.misbehave({ ranges, scripts: [[{ do: 'wait', ms: 300 }, { do: 'look' }, ...answered(0x510n)]] });
  const [first, second] = await guest.runAll([
    (program) => program.in(port, 4),
    (program) => {
      for (let i = 0; i < 20; i++) program.load(page, 4);
      return program;
    },
  ]);
  const values = [first, second].flatMap((seen) => seen?.results ?? []).map(({ value }) => value);
  expect(values.filter((value) => value === 0x510)).toHaveLength(1);
  expect(values.filter((value) => value === usual)).toHaveLength(20);
  const seen = await deviceModel.takeFaults();
  const slow = seen.findIndex(({ states }) => states.length > 0);
  expect(seen[slow]?.states).toEqual([1]);
  // Its steps ended last, but perhaps for those of the same vCPU after it.
  const other = seen.filter(({ vcpu }) => vcpu !== seen[slow]?.vcpu);
  expect(seen.slice(0, slow)).toEqual(expect.arrayContaining(other));
});
