/**
 * # Background
 * When a guest gives memory back, device models may have it mapped: Xen has the vCPU tell every enabled server to let go of its
 * mappings, and wait until all have answered (IOREQ_TYPE_INVALIDATE; ioreq_signal_mapcache_invalidate in xen/common/ioreq.c;
 * before 4.15 it waited for one of them only, da20c93108). It goes through the vCPU's slot of each server, with no repetition
 * at all.
 *
 * # Method
 * vCPUs 0 and 1 balloon: decrease_reservation of a frame each, and ask for it back. Three servers, one of them disabled. Each
 * enabled one must have got one request for each time, from that vCPU; the accesses around it must be what they are.
 *
 * # A broken Xen
 * would tell one server, the wrong vCPU's slot, or let the guest go on before a server has let go.
 */
import { expect, ports, ProgramBuilder, scenario, SCRATCH } from 'ioreqlab/scenario';
import { changeReservation, hypercallCode, vendorOf } from './balloon.ts';

const invalidate = 8;
const port = 0x5f00;
/** Far from what other scenarios use of the scratch memory. */
const ballooned = Number(SCRATCH.end >> 12n) - 0x20;

scenario('a guest that balloons', async ({ guest, deviceModel }) => {
  const asked = await guest.run((program) => program.cpuid(0));
  const [first] = asked.results;
  if (first === undefined) throw new Error('unreachable');
  const code = hypercallCode(vendorOf(first));
  for (const [i, server] of ['a', 'b', 'c'].entries()) {
    await deviceModel.attachConstant({ server, value: 0xa0 + i });
    await deviceModel.mapRanges(server, ports(port + i));
  }
  await deviceModel.setEnabled('b', false);
  // Requests that others have left for these vCPUs come first.
  await guest.runAll([(program) => program.in(port, 1), (program) => program.in(port, 1)]);
  const before = { a: (await deviceModel.trace('a')).length, c: (await deviceModel.trace('c')).length };

  const programs = [0, 1].map((vcpu) => {
    const frame = [ballooned + vcpu];
    const at = SCRATCH.end - 0x4000n + BigInt(vcpu) * 0x1000n;
    const program = new ProgramBuilder().barrier().in(port, 1);
    changeReservation(program, 'decreaseReservation', frame, { at, code }).in(port + 2, 1);
    changeReservation(program, 'populatePhysmap', frame, { at, code }).in(port, 1);
    return program.build();
  });
  const seen = await guest.runAll(programs);
  for (const { results } of seen) {
    expect(results.filter(({ op }) => op === 'raw').map(({ rax, fault }) => [rax, fault])).toEqual([
      [1n, undefined],
      [1n, undefined],
    ]);
    expect(results.filter(({ op }) => op === 'in').map(({ value }) => value)).toEqual([0xa0, 0xa2, 0xa0]);
  }
  await expect(seen).toMatchOracle();
  for (const server of ['a', 'c'] as const) {
    const told = (await deviceModel.trace(server)).slice(before[server]).filter(({ type }) => type === invalidate);
    expect(told.map(({ vcpu }) => vcpu).sort()).toEqual([0, 1]);
    for (const record of told) {
      expect(record).toMatchObject({ isRead: false, size: 4, count: 0, address: 0n, data: 2n ** 64n - 1n });
    }
  }
  expect(await deviceModel.trace('b')).toEqual([]);
});
