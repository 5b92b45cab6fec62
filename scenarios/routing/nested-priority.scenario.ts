/**
 * # Background
 * Servers may own the same. Xen looks from the highest id down for one that owns all of the access (FOR_EACH_IOREQ_SERVER
 * in ioreq_server_select, xen/common/ioreq.c); a server that owns only a part of it is passed over, so that one access
 * can go to a lower server than its neighbours do.
 *
 * # Method
 * Three servers own ranges inside one another, among the ports, in memory and of PCI functions. Accesses of every width
 * over all borders; then the same with the highest disabled, and with the order of the widths turned round.
 *
 * # A broken Xen
 * would stop at the first server that owns the first byte, or ask them in another order.
 */
import { expect, HOLE_BELOW_4G, memory, pciFunction, ports, scenario } from 'ioreqlab/scenario';

const base = 0x5300;
const hole = Number(HOLE_BELOW_4G.start) + 0x300;

scenario('a server that owns a part is passed over', async ({ guest, deviceModel }) => {
  // By id: the lowest owns most.
  const servers = [
    ['wide', 0x1111_1111, 0, 15],
    ['middle', 0x2222_2222, 4, 11],
    ['narrow', 0x3333_3333, 6, 7],
  ] as const;
  for (const [server, value, first, last] of servers) {
    await deviceModel.attachConstant({ server, value });
    await deviceModel.mapRanges(server, ports(base + first, base + last), memory(hole + first, hole + last));
  }
  const look = async (): Promise<readonly number[]> => {
    const seen = await guest.run((program) => {
      for (const size of [1, 2, 4] as const) {
        for (let at = 0; at <= 16 - size; at++) program.in(base + at, size).load(hole + at, size);
      }
      return program
        .load(hole, 8)
        .load(hole + 4, 8)
        .load(hole + 8, 8);
    });
    await expect(seen).toMatchOracle();
    return seen.results.map(({ value }) => value & 0xff);
  };
  const expected = (isEnabled: (server: string) => boolean, sizes = [1, 2, 4]): number[] => {
    const answer = (at: number, size: number): number =>
      servers.findLast(([server, , first, last]) => isEnabled(server) && at >= first && at + size - 1 <= last)?.[1] ??
      0;
    const slid = sizes.flatMap((size) =>
      Array.from({ length: 17 - size }, (_, at) => [answer(at, size), answer(at, size)]).flat(),
    );
    return [...slid, answer(0, 8), answer(4, 8), answer(8, 8)].map((value) => value & 0xff);
  };
  expect(await look()).toEqual(expected(() => true));
  await deviceModel.setEnabled('narrow', false);
  expect(await look()).toEqual(expected((server) => server !== 'narrow'));
  await deviceModel.setEnabled('middle', false);
  await deviceModel.setEnabled('narrow', true);
  expect(await look()).toEqual(expected((server) => server !== 'middle'));
  await deviceModel.setEnabled('middle', true);

  // Of a function all is owned or nothing: the highest.
  for (const [server, , first] of servers) {
    const functions = [0, 4, 6].filter((fn) => fn >= first).map((fn) => pciFunction(`00:1b.${fn}`));
    await deviceModel.mapRanges(server, ...functions);
  }
  const asked = await guest.run((program) => {
    for (const fn of [0, 4, 6]) program.out(0xcf8, 4, 0x8000_d800 + fn * 0x100).in(0xcfd, 1);
    return program;
  });
  expect([1, 3, 5].map((i) => asked.results[i]?.value)).toEqual([0x11, 0x22, 0x33]);
  await expect(asked).toMatchOracle();
});
