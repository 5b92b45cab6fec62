/**
 * # Background
 * A batch of REP is one request, and belongs to a server only if one of its ranges holds what all repetitions touch: for
 * memory from the first to the last byte, whichever way it goes (ioreq_mmio_first_byte, ioreq_mmio_last_byte; downwards only
 * since 4.11.1 and 4.12, 60a56dc006). For a port it is the port, however often.
 *
 * # Method
 * STOS, upwards and downwards, with batches that end with the range, one element before and one after it, also in a range
 * made of two; OUTS to the last ports of a range.
 *
 * # A broken Xen
 * would ask for the first element only, and hand its server more than it owns; or look upwards for what goes downwards.
 */
import { expect, HOLE_BELOW_4G, memory, ports, scenario, SCRATCH } from 'ioreqlab/scenario';

const hole = Number(HOLE_BELOW_4G.start) + 0x2000;
const port = 0x5800;

scenario('all repetitions of a batch, or none', async ({ guest, deviceModel }) => {
  await deviceModel.attachConstant({ server: 'main', value: 0 });
  await deviceModel.attachConstant({ server: 'above', value: 0 });
  // 0x100 to 0x13f in two ranges that touch; then the other server's.
  await deviceModel.mapRanges('main', memory(hole + 0x100, hole + 0x11f), memory(hole + 0x120, hole + 0x13f));
  await deviceModel.mapRanges('above', memory(hole + 0x140, hole + 0x17f));
  await deviceModel.mapRanges('main', ports(port, port + 3));
  // Far from the ends of its page, which would end batches too.
  const source = SCRATCH.start + 0x800n;
  const seen = await guest.run((program) => {
    program.fill(source, 64, 0x5a);
    for (const count of [15, 16, 17]) {
      program.repStos({ size: 4, destination: hole + 0x100, value: count, count });
      program.repStos({ size: 4, destination: hole + 0x13c, value: count, count, backward: true });
      program.repMovs({ size: 4, source, destination: hole + 0x100, count });
      program.repMovs({ size: 4, source: source + 64n, destination: hole + 0x13c, count, backward: true });
      // From the other's side.
      program.repStos({ size: 4, destination: hole + 0x140, value: count, count });
      program.repStos({ size: 4, destination: hole + 0x17c, value: count, count, backward: true });
    }
    program.repOuts({ size: 4, count: 8, port, source }).repOuts({ size: 2, count: 8, port: port + 2, source });
    return program.repOuts({ size: 2, count: 8, port: port + 3, source });
  });
  expect(seen.results.every(({ fault }) => fault === undefined)).toBe(true);
  await expect(seen).toMatchOracle();
  const counts = async (server: string): Promise<(readonly [number, boolean])[]> =>
    (await deviceModel.trace(server)).map(({ count, backwards }) => [count, backwards]);
  expect(await counts('main')).toEqual([
    ...[15, 16].flatMap((count) => [false, true, false, true].map((backwards) => [count, backwards])),
    ...[
      [8, false],
      [8, false],
    ],
  ]);
  expect(await counts('above')).toEqual(
    [15, 16].flatMap((count) => [false, true].map((backwards) => [count, backwards])),
  );
});
