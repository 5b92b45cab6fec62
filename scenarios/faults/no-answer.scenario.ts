/**
 * # Background
 * A request that is never answered blocks its vCPU for good; what ends that is the device model's orderly end: it answers
 * what is open before it destroys its server.
 *
 * # Method
 * A device model leaves a request as it is. A third of a second later nothing has happened; its end lets the vCPU go on, with the
 * answer that it is given then.
 *
 * # A broken Xen
 * would go on without an answer; a broken end would leave the vCPU in a server that is no more.
 */
import { expect, scenario } from 'ioreqlab/scenario';
import { oracle, port, ranges, usual } from './faulty.ts';

scenario('a request that nobody answers waits until the end', { oracle }, async ({ guest, deviceModel }) => {
  await deviceModel.misbehave({ ranges, scripts: [[{ do: 'wait', ms: 300 }, { do: 'look' }]] });
  const running = guest.run((program) => program.in(port, 4).in(port, 4));
  let isOver = false;
  void running.then(() => (isOver = true));
  let left = await deviceModel.takeFaults();
  while (left.length === 0) left = await deviceModel.takeFaults();
  expect(left.map(({ states }) => states)).toEqual([[1]]);
  expect(isOver).toBe(false);
  await deviceModel.endFaults();
  // The second one finds nobody.
  expect((await running).results.map(({ value }) => value)).toEqual([usual, 0xffff_ffff]);
});
