/**
 * # Background
 * A device says which widths its regions take and which of reading and writing they can; the library keeps everything
 * else away from it: all ones, or nothing happens, and it is counted.
 *
 * # Method
 * Makes accesses of every width, aligned or not, to regions that take two bytes and can be read or written only; and
 * accesses that reach beyond a region.
 *
 * # A broken library
 * would call a handler with what it never said that it takes, or answer with something else than all ones.
 */
import { expect, scenario } from 'ioreqlab/scenario';
import picky from './picky.device.ts';

scenario('handlers see only what their regions take', async ({ guest, deviceModel }) => {
  await deviceModel.attach(picky, { at: { readable: 0x5000, writable: 0x5004, last: 0x5008 } });
  const seen = await guest.run((program) =>
    program
      .in(0x5000, 2)
      .in(0x5002, 2)
      .in(0x5000, 1)
      .in(0x5000, 4)
      .out(0x5000, 2, 0)
      .in(0x5004, 2)
      .out(0x5004, 4, 0xdead)
      .in(0x5008, 4)
      .out(0x5006, 2, 0xbeef)
      .in(0x5008, 4)
      // Half of it is the one region's, half the other's.
      .in(0x5003, 2)
      .in(0x5007, 4),
  );
  expect(seen.results.map(({ value }) => value)).toEqual([
    ...[0x1000, 0x1002, 0xff, 0xffffffff],
    ...[0, 0xffff, 0xdead, 0],
    ...[0xbeef, 0x2beef, 0xffff, 0xffffffff],
  ]);
  const { counters } = await deviceModel.closeServer();
  expect(counters).toMatchObject({ badWidth: 3, unclaimed: 2, malformed: 0 });
});
