/**
 * # Background
 * A device model sees one struct ioreq for each access: its fields are the contract (public/hvm/ioreq.h).
 *
 * # Method
 * Makes one access of every kind and width; then closes the server and compares its trace, field by field.
 *
 * # A broken Xen
 * or a broken library would show another address, width, direction or value than the guest used, or another number of
 * requests.
 */
import { expect, HOLE_ABOVE_4G, HOLE_BELOW_4G, readTrace, scenario } from 'ioreqlab/scenario';
import window from '../memory/window.device.ts';
import scratch from '../port-io/scratch.device.ts';

scenario('a server sees every access as it was made', async ({ guest, deviceModel }) => {
  const low = Number(HOLE_BELOW_4G.start);
  const high = Number(HOLE_ABOVE_4G.start);
  await deviceModel.attach(scratch, { at: { register: 0x5000 }, options: { initial: 0x44332211 } });
  await deviceModel.attach(window, { at: { page: low } });
  await deviceModel.attach(window, { at: { page: high } });
  await guest.run((program) =>
    program
      .in(0x5001, 2)
      .out(0x5003, 1, 0xaa, { rax: 0xffff_ffff_ffff_ff00n })
      .in(0x5000, 4)
      .store(low + 4093, 2, 0xbeef)
      .load(low + 4092, 4)
      .store(high + 1, 8, 0x8877665544332211n)
      .load(high + 2, 8)
      .load(high + 8, 1),
  );
  const { trace, counters } = await deviceModel.closeServer();
  const seen = readTrace(trace).map(({ type, isRead, size, address, data, answer }) => {
    const low = (value: bigint): bigint => BigInt.asUintN(8 * size, value);
    return [type, isRead ? 'read' : 'write', size, address, low(isRead ? answer : data)];
  });
  expect(seen).toEqual([
    [0, 'read', 2, 0x5001n, 0x3322n],
    [0, 'write', 1, 0x5003n, 0xaan],
    [0, 'read', 4, 0x5000n, 0xaa332211n],
    [1, 'write', 2, BigInt(low + 4093), 0xbeefn],
    [1, 'read', 4, BigInt(low + 4092), 0x00beef00n],
    [1, 'write', 8, BigInt(high + 1), 0x8877665544332211n],
    [1, 'read', 8, BigInt(high + 2), 0x0088776655443322n],
    [1, 'read', 1, BigInt(high + 8), 0x88n],
  ]);
  for (const record of readTrace(trace)) {
    expect(record).toMatchObject({ count: 1, dataIsPointer: false, backwards: false, vcpu: 0, origin: 'handler' });
  }
  expect(counters).toMatchObject({ unclaimed: 0, badWidth: 0, malformed: 0 });
});
