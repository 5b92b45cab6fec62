/**
 * # Background
 * The answer to a write carries no data; the vCPU must wait for it all the same before it goes on (ioreq_needs_completion in
 * xen/include/xen/ioreq.h says only that nothing is to be done with the data).
 *
 * # Method
 * Writes to a port and to memory whose direction and data are changed while they are in flight, each followed by a read.
 *
 * # A broken Xen
 * would put data into RAX, or let the read overtake the write.
 */
import { expect, scenario } from 'ioreqlab/scenario';
import { answered, oracle, page, port, ranges, usual } from './faulty.ts';

scenario('a write takes nothing of its answer', { oracle }, async ({ guest, deviceModel }) => {
  const turned = [{ do: 'field', field: 'isRead', value: 1n }, { do: 'wait', ms: 5 }, ...answered(0x6666n)] as const;
  await deviceModel.misbehave({ ranges, scripts: [turned, answered(1n), turned, answered(2n)] });
  const seen = await guest.run((program) =>
    program.out(port, 4, 0x1111).in(port, 4).store(page, 4, 0x2222).load(page, 4).in(port, 4),
  );
  expect([0, 1, 3, 4].map((i) => seen.results[i]?.value)).toEqual([0x1111, 1, 2, usual]);
  const requests = (await deviceModel.takeFaults()).map(({ request }) => [request?.isRead, request?.data]);
  expect(requests.slice(0, 4).filter(([isRead]) => isRead === false)).toEqual([
    [false, 0x1111n],
    [false, 0x2222n],
  ]);
});
