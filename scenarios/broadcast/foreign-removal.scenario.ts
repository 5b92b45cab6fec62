/**
 * # Background
 * Since 4.15 whoever takes a frame out of a guest has all its vCPUs tell the servers, each before it goes on
 * (ioreq_request_mapcache_invalidate in p2m_remove_entry, 588d961d15); before, only the guest's own decrease_reservation did.
 *
 * # Method
 * Dom0 moves a frame of the guest to another address, and back (relocate_memory). Then each vCPU makes an access: the
 * broadcast comes before it, once for each vCPU, though there were two removals.
 *
 * # A broken Xen
 * would tell nobody, so that a device model goes on writing to a frame that is another's.
 */
import { expect, ports, scenario, SCRATCH } from 'ioreqlab/scenario';

const invalidate = 8;
const port = 0x5f10;
const frame = (SCRATCH.end >> 12n) - 0x30n;
const hole = 0x1_8000n;

scenario('a frame that dom0 takes away', async ({ guest, deviceModel, known }) => {
  await deviceModel.attachConstant({ server: 'main', value: 0x42 });
  await deviceModel.mapRanges('main', ports(port));
  const all = Array.from(
    { length: guest.vcpus },
    () => (program: import('ioreqlab/scenario').ProgramBuilder) => program.in(port, 1),
  );
  await guest.runAll(all);
  const before = (await deviceModel.trace('main')).length;
  const moved = await guest.dmOps([
    { op: 'relocateMemory', args: [1n, frame, hole] },
    { op: 'relocateMemory', args: [1n, hole, frame] },
  ]);
  expect(moved.map(({ ok }) => ok)).toEqual([true, true]);
  const seen = await guest.runAll(all);
  expect(seen.map(({ results }) => results[0]?.value)).toEqual(seen.map(() => 0x42));
  await expect(seen).toMatchOracle();
  const records = (await deviceModel.trace('main')).slice(before);
  const vcpus = [...Array(guest.vcpus).keys()];
  await known({ before: 'invalidateOnRemoval' }, async () => {
    const told = records.filter(({ type }) => type === invalidate);
    expect(told.map(({ vcpu }) => vcpu).sort()).toEqual(vcpus);
  });
  // Those that were parked at the control port are told first, before they are given the program.
  for (const vcpu of vcpus) {
    const own = records.filter((record) => record.vcpu === vcpu).map(({ type }) => type);
    expect(own.at(-1)).toBe(0);
  }
});
