/**
 * # Background
 * A domain can have up to eight ioreq servers; each access goes to the one that owns its range (ioreq_server_select in
 * xen/common/ioreq.c).
 *
 * # Method
 * Two servers, each with a worker of its own, own neighbouring ports; each must see its accesses and no other.
 *
 * # A broken Xen
 * would send an access to the wrong server, or to both.
 */
import { expect, scenario } from 'ioreqlab/scenario';
import scratch from '../port-io/scratch.device.ts';

scenario('two servers each get their own', async ({ guest, deviceModel }) => {
  await deviceModel.attach(scratch, { server: 'one', at: { register: 0x5000 }, options: { initial: 1 } });
  await deviceModel.attach(scratch, { server: 'two', at: { register: 0x5004 }, options: { initial: 2 } });
  const seen = await guest.run((program) =>
    program
      .in(0x5000, 4)
      .in(0x5004, 4)
      .out(0x5000, 4, 0x11111111)
      .out(0x5004, 4, 0x22222222)
      .in(0x5004, 4)
      .in(0x5000, 4)
      // Half of it is the one's, half the other's: nobody's.
      .in(0x5002, 4),
  );
  expect([0, 1, 4, 5, 6].map((i) => seen.results[i]?.value)).toEqual([1, 2, 0x22222222, 0x11111111, 0xffffffff]);
  await expect(seen).toMatchOracle();
});
