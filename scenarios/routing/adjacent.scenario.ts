/**
 * # Background
 * Ranges of one server that touch become one (rangeset_add_range in xen/common/rangeset.c), in whatever order they were
 * added; so an access over the border is the server's. PCI functions are numbers like others: neighbours merge as well.
 *
 * # Method
 * Ranges of one, two and four bytes are added below, above and between others, each followed by accesses over every border.
 * What two servers own side by side stays two.
 *
 * # A broken Xen
 * would keep the ranges apart and drop what lies over a border, or merge ranges of two servers.
 */
import { expect, HOLE_ABOVE_4G, memory, ports, scenario } from 'ioreqlab/scenario';

const base = 0x5100;
const hole = HOLE_ABOVE_4G.start;

scenario('ranges that touch are one', async ({ guest, deviceModel }) => {
  await deviceModel.attachConstant({ server: 'main', value: 0x3333_3333 });
  await deviceModel.attachConstant({ server: 'other', value: 0x4444_4444 });
  const look = async (): Promise<readonly number[]> => {
    const seen = await guest.run((program) => {
      for (const at of [2, 4, 6, 8, 10, 12]) program.in(base + at, 4).load(hole + BigInt(at), 4);
      return program;
    });
    await expect(seen).toMatchOracle();
    const values = seen.results.map(({ value }) => value);
    // Ports and memory alike.
    expect(values.filter((_, i) => i % 2 === 0)).toEqual(values.filter((_, i) => i % 2 === 1));
    return values.filter((_, i) => i % 2 === 0);
  };
  const add = async (server: string, first: number, last: number): Promise<void> =>
    await deviceModel.mapRanges(
      server,
      ports(base + first, base + last),
      memory(hole + BigInt(first), hole + BigInt(last)),
    );
  const [none, main] = [0xffff_ffff, 0x3333_3333];
  await add('main', 4, 7);
  expect(await look()).toEqual([none, main, none, none, none, none]);
  // Above.
  await add('main', 8, 9);
  expect(await look()).toEqual([none, main, main, none, none, none]);
  // Below.
  await add('main', 2, 3);
  expect(await look()).toEqual([main, main, main, none, none, none]);
  // Two more with a gap, and what fills it.
  await add('main', 12, 15);
  expect(await look()).toEqual([main, main, main, none, none, main]);
  await add('main', 10, 10);
  expect(await look()).toEqual([main, main, main, none, none, main]);
  await add('main', 11, 11);
  expect(await look()).toEqual([main, main, main, main, main, main]);
  // The other's first byte is where the one's ends.
  await add('other', 16, 19);
  const border = await guest.run((program) =>
    program
      .in(base + 14, 2)
      .in(base + 16, 4)
      .in(base + 14, 4),
  );
  expect(border.results.map(({ value }) => value)).toEqual([0x3333, 0x4444_4444, none]);
  await expect(border).toMatchOracle();
});
