/**
 * # Background
 * Xen takes the data in the moment in which it finds IORESP_READY, and makes the slot NONE (wait_for_io in
 * xen/common/ioreq.c). What is written there afterwards belongs to no request.
 *
 * # Method
 * A device model answers, and when the guest has gone on it writes other data and notifies again, with the state left alone.
 * The guest must have the first answer, and its next request must be its own.
 *
 * # A broken Xen
 * would take the late data for the next answer, or the late notification for its arrival.
 */
import { expect, scenario } from 'ioreqlab/scenario';
import { answered, oracle, port, ranges, usual } from './faulty.ts';

scenario('a second answer comes too late', { oracle }, async ({ guest, deviceModel }) => {
  const patient = [{ do: 'wait', ms: 10 }, { do: 'look' }, ...answered(0x3333n)] as const;
  await deviceModel.misbehave({ ranges, scripts: [answered(0x1111n), patient] });
  const first = await guest.run((program) => program.in(port, 4));
  await deviceModel.makeFaults(0, [
    { do: 'look' },
    { do: 'field', field: 'data', value: 0x2222n },
    { do: 'notify', times: 3 },
    { do: 'look' },
  ]);
  const rest = await guest.run((program) => program.in(port, 4).in(port, 4));
  expect([...first.results, ...rest.results].map(({ value }) => value)).toEqual([0x1111, 0x3333, usual]);
  expect((await deviceModel.takeFaults()).map(({ states }) => states)).toEqual([[], [0, 0], [1], []]);
});
