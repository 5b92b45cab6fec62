/**
 * # Background
 * Since Xen 4.5 an access that no ioreq server owns is completed by Xen itself: reads give all ones, writes are dropped
 * (hvmemul_do_io and null_handler in xen/arch/x86/hvm/emulate.c).
 *
 * # Method
 * Reads ports and memory that nobody owns, in every width, with a device on the neighbouring ports, which must see
 * nothing of it.
 *
 * # A broken Xen
 * would hang the vCPU, return something else, or give the access to a server that does not own all of it.
 */
import { expect, HOLE_BELOW_4G, scenario } from 'ioreqlab/scenario';
import scratch from '../port-io/scratch.device.ts';

scenario('what nobody owns reads all ones', async ({ guest, deviceModel }) => {
  await deviceModel.attach(scratch, { at: { register: 0x5000 }, options: { initial: 0x01020304 } });
  const memory = HOLE_BELOW_4G.start;
  const seen = await guest.run((program) =>
    program
      .in(0x5555, 1)
      .in(0x5555, 2)
      .in(0x5555, 4)
      .load(memory, 1)
      .load(memory, 2)
      .load(memory, 4)
      .load(memory, 8)
      .out(0x5555, 4, 0)
      .store(memory, 4, 0)
      // Only part of these is the device's: then it is nobody's.
      .in(0x4fff, 2)
      .in(0x5002, 4)
      .in(0x5000, 4),
  );
  expect(seen.results.map(({ value }) => value)).toEqual([
    ...[0xff, 0xffff, 0xffffffff],
    ...[0xff, 0xffff, 0xffffffff, 0xffffffff],
    ...[0, 0],
    ...[0xffff, 0xffffffff],
    0x01020304,
  ]);
  expect(seen.results[6]?.rax).toBe(0xffff_ffff_ffff_ffffn);
  await expect(seen).toMatchOracle();
});
