/**
 * # Background
 * Xen maps a server's page for itself (ioreq_server_alloc_mfn in xen/common/ioreq.c): a device model that unmaps it early
 * takes only its own view away, and may get it back by XENMEM_acquire_resource, with all that lies in it.
 *
 * # Method
 * The page is unmapped with a request in hand and mapped anew, before the answer.
 *
 * # A broken Xen
 * would give another page, or an empty one, or fall over its own mapping.
 */
import { expect, scenario } from 'ioreqlab/scenario';
import { answered, oracle, page, port, ranges, usual } from './faulty.ts';

scenario('a page that was given back is still there', { oracle }, async ({ guest, deviceModel }) => {
  const blind = [
    { do: 'state', state: 2 },
    { do: 'unmap' },
    { do: 'wait', ms: 5 },
    { do: 'map' },
    { do: 'look' },
    ...answered(0x7a7an),
  ] as const;
  await deviceModel.misbehave({ ranges, scripts: [blind, blind] });
  const seen = await guest.run((program) => program.in(port, 4).load(page, 4).in(port, 4));
  expect(seen.results.map(({ value }) => value)).toEqual([0x7a7a, 0x7a7a, usual]);
  expect((await deviceModel.takeFaults()).map(({ states }) => states)).toEqual([[2], [2], []]);
});
