/**
 * # Background
 * A domain has room for eight servers (MAX_NR_IOREQ_SERVERS; ENOSPC); QEMU, where there is one, and the control port have
 * one each.
 *
 * # Method
 * As many servers as there is room for own one port, one address and one function; each owns a port of its own as well. The
 * highest is closed again and again: each time the next one answers, and the others keep their own.
 *
 * # A broken Xen
 * would have room for another number, ask in another order, or lose a server when another one goes.
 */
import { expect, HOLE_BELOW_4G, memory, pciFunction, ports, scenario } from 'ioreqlab/scenario';

const shared = 0x5600;
const hole = Number(HOLE_BELOW_4G.start) + 0x600;

scenario('eight servers, one below the other', async ({ guest, deviceModel, params }) => {
  const room = params['environment'] === 'hvm' ? 6 : 7;
  const own = (i: number): number => shared + 0x10 * (i + 1);
  const servers = Array.from({ length: room }, (_, i) => `s${i}`);
  for (const [i, server] of servers.entries()) {
    await deviceModel.attachConstant({ server, value: 0xa0 + i });
    await deviceModel.mapRanges(
      server,
      ports(shared, shared + 3),
      ports(own(i), own(i) + 3),
      memory(hole, hole + 7),
      pciFunction('00:19.0'),
    );
  }
  expect(await deviceModel.xenId(servers.at(-1))).toBe(7);
  await expect(deviceModel.createServer('one-more')).rejects.toMatchObject({ code: 'ENOSPC' });

  for (let left = room; left >= 0; left--) {
    const seen = await guest.run((program) => {
      program.in(shared, 4).load(hole, 8).out(0xcf8, 4, 0x8000_c800).in(0xcfc, 1);
      for (const i of servers.keys()) program.in(own(i), 4);
      return program;
    });
    const top = left === 0 ? 0xff : 0xa0 + left - 1;
    expect([0, 1, 3].map((i) => (seen.results[i]?.value ?? 0) & 0xff)).toEqual([top, top, top]);
    expect(seen.results.slice(4).map(({ value }) => value & 0xff)).toEqual(
      servers.map((_, i) => (i < left ? 0xa0 + i : 0xff)),
    );
    await expect(seen).toMatchOracle();
    if (left > 0) await deviceModel.closeServer(servers[left - 1]);
  }
});
