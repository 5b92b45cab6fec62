/**
 * # Background
 * Until 4.11 a domain could have a default server that got whatever nobody owned; Xen 4.12 removed it (2c257bd69a). A server
 * gets what it owns, and one without ranges nothing, however enabled it is (ioreq_server_select in xen/common/ioreq.c).
 *
 * # Method
 * A server that owns nothing, and one that owned everything of what is accessed and owns nothing any more, beside one that
 * owns a single port. Accesses of every kind; their traces must be empty.
 *
 * # A broken Xen
 * would hand what nobody owns to the first, the last or the lowest server.
 */
import {
  expect,
  HOLE_ABOVE_4G,
  HOLE_BELOW_4G,
  memory,
  pciFunction,
  ports,
  readTrace,
  scenario,
} from 'ioreqlab/scenario';

const free = Number(HOLE_BELOW_4G.start);

scenario('nobody gets what nobody owns', async ({ guest, deviceModel }) => {
  for (const [server, value] of [
    ['empty', 0x11],
    ['emptied', 0x22],
    ['narrow', 0x33],
  ] as const) {
    await deviceModel.attachConstant({ server, value });
  }
  const all = [ports(0x5700, 0x57ff), memory(free, free + 0xfff), pciFunction('00:18.0')];
  await deviceModel.mapRanges('emptied', ...all);
  await deviceModel.unmapRanges('emptied', ...all);
  await deviceModel.mapRanges('narrow', ports(0x5780));
  const seen = await guest.run((program) =>
    program
      .in(0x5700, 1)
      .in(0x5700, 2)
      .in(0x5700, 4)
      .out(0x5700, 4, 1)
      .in(0x5780, 1)
      .in(0x5780, 2)
      .load(free, 8)
      .store(free, 8, 1)
      .load(HOLE_ABOVE_4G.start, 4)
      .out(0xcf8, 4, 0x8000_c000)
      .in(0xcfc, 4)
      .out(0xcfc, 4, 0),
  );
  const values = [0, 1, 2, 4, 5, 6, 8, 10].map((i) => seen.results[i]?.value);
  expect(values).toEqual([0xff, 0xffff, 0xffff_ffff, 0x33, 0xffff, 0xffff_ffff, 0xffff_ffff, 0xffff_ffff]);
  await expect(seen).toMatchOracle();
  for (const server of ['empty', 'emptied']) {
    expect(readTrace((await deviceModel.closeServer(server)).trace)).toEqual([]);
  }
});
