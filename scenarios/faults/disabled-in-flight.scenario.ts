/**
 * # Background
 * A server that is disabled gets no new request (ioreq_server_select asks for `enabled`); what it has in hand stays pending,
 * and the vCPU waits for it (ioreq_server_disable in xen/common/ioreq.c leaves the slots alone).
 *
 * # Method
 * A server is disabled with a request in hand, and answers. What follows goes to nobody, until it is enabled again.
 *
 * # A broken Xen
 * would lose the request, or send another.
 */
import { expect, scenario } from 'ioreqlab/scenario';
import { answered, oracle, port, ranges, usual } from './faulty.ts';

scenario('a disabled server still answers', { oracle }, async ({ guest, deviceModel }) => {
  const script = [{ do: 'enable', isEnabled: false }, { do: 'look' }, ...answered(0xd15an)] as const;
  await deviceModel.misbehave({ ranges, scripts: [script] });
  const seen = await guest.run((program) => program.in(port, 4).in(port, 4));
  expect(seen.results.map(({ value }) => value)).toEqual([0xd15a, 0xffff_ffff]);
  expect((await deviceModel.takeFaults()).map(({ states }) => states)).toEqual([[1]]);
  await deviceModel.makeFaults(0, [{ do: 'enable', isEnabled: true }]);
  const again = await guest.run((program) => program.in(port, 4));
  expect(again.results[0]?.value).toBe(usual);
});
