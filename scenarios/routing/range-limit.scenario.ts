/**
 * # Background
 * A server has room for 256 ranges of each kind (MAX_NR_IO_RANGES), counted after merging; one more is refused with
 * ENOMEM. A full set takes a range that touches one below it, but not one that touches only the one above
 * (rangeset_add_range takes a new range before it looks upwards), and no piece out of the middle of one.
 *
 * # Method
 * 256 single ports with gaps between them, 256 pieces of memory and 256 functions in one server. Then what a full set takes
 * and what it does not; the guest reads the first, the last and the refused ones.
 *
 * # A broken Xen
 * would take more, count the kinds together, or lose a range when it refuses another one.
 */
import { expect, HOLE_BELOW_4G, memory, pciFunction, ports, scenario } from 'ioreqlab/scenario';

const limit = 256;
const base = 0x6000;
const hole = Number(HOLE_BELOW_4G.start) + 0x1000;

scenario('256 ranges of each kind', async ({ guest, deviceModel }) => {
  await deviceModel.attachConstant({ server: 'main', value: 0x8888_8888 });
  const each = <T>(one: (i: number) => T): T[] => Array.from({ length: limit }, (_, i) => one(i));
  // Every fourth; functions on buses of their own, far from what anybody has.
  const functionOf = (i: number) => pciFunction(`${(0x40 + (i >> 5)).toString(16)}:${(i & 31).toString(16)}.2`);
  await deviceModel.mapRanges('main', ...each((i) => ports(base + 4 * i + 1)));
  await deviceModel.mapRanges('main', ...each((i) => memory(hole + 4 * i + 1, hole + 4 * i + 1)));
  await deviceModel.mapRanges('main', ...each(functionOf));

  const refused = async (what: Promise<void>): Promise<void> =>
    await expect(what).rejects.toMatchObject({ code: 'ENOMEM' });
  for (const [range, first] of [
    [ports, base],
    [memory, hole],
  ] as const) {
    await refused(deviceModel.mapRanges('main', range(first + 4 * limit + 1, first + 4 * limit + 1)));
    await refused(deviceModel.mapRanges('main', range(first, first)));
    // Upwards, twice: from 1 to 3. What is in the middle cannot go, what is at the end can.
    await deviceModel.mapRanges('main', range(first + 2, first + 2), range(first + 3, first + 3));
    await refused(deviceModel.unmapRanges('main', range(first + 2, first + 2)));
    await deviceModel.unmapRanges('main', range(first + 3, first + 3));
    await deviceModel.mapRanges('main', range(first + 3, first + 3));
    // Up to the next: there is room for one again, which downwards is needed for a moment.
    await deviceModel.mapRanges('main', range(first + 4, first + 4), range(first, first));
    await expect(deviceModel.mapRanges('main', range(first, first))).rejects.toMatchObject({ code: 'EEXIST' });
    await deviceModel.mapRanges('main', range(first + 4 * limit + 1, first + 4 * limit + 1));
    await refused(deviceModel.mapRanges('main', range(first + 4 * limit + 5, first + 4 * limit + 5)));
  }
  await refused(deviceModel.mapRanges('main', pciFunction('4f:00.0')));

  const functions = [0, limit - 1].map((i) => 0x8000_0000 + 0x40_0000 + (i >> 5) * 0x1_0000 + (i & 31) * 0x800 + 0x200);
  const seen = await guest.run((program) => {
    for (const at of [0, 1, 5, 6, 4 * limit - 3, 4 * limit - 2, 4 * limit + 1, 4 * limit + 5]) {
      program.in(base + at, 1).load(hole + at, 1);
    }
    program.in(base + 2, 4).load(hole + 2, 4);
    for (const address of [...functions, 0x804f_0000]) program.out(0xcf8, 4, address).in(0xcfc, 1);
    return program;
  });
  const values = seen.results.filter(({ op }) => op !== 'out').map(({ value }) => value & 0xff);
  const [ours, none] = [0x88, 0xff];
  expect(values).toEqual([
    ...[ours, ours, ours, ours, ours, ours, none, none],
    ...[ours, ours, none, none, ours, ours, none, none],
    ...[ours, ours],
    ...[ours, ours, none],
  ]);
  await expect(seen).toMatchOracle();
});
