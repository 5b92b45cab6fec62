/**
 * # Background
 * A batch ends at the end of a frame (hvmemul_do_io in xen/arch/x86/hvm/emulate.c), so one instruction may go through pages
 * of several owners: each batch is sent for itself. Before 4.12 it could reach beyond its server's page.
 *
 * # Method
 * REP MOVS and REP STOS through a page of one server, a page of another, a page of nobody and one of the first again, and
 * from the end of RAM; back to RAM, where nobody's page leaves all ones.
 *
 * # A broken Xen
 * would send a neighbour's part, stop at nobody's page, or not come back to a server.
 */
import { expect, HOLE_BELOW_4G, scenario, SCRATCH } from 'ioreqlab/scenario';
import { requestsOf } from '../string-io/requests-of.ts';

const base = HOLE_BELOW_4G.start + 0x1d_0000n;
const ram = SCRATCH.start + 0xb_0000n;
const page = 0x1000;

scenario('one instruction through pages of many owners', async ({ guest, deviceModel }) => {
  for (const [i, server] of [
    [0, 'one'],
    [1, 'other'],
    [3, 'one'],
  ] as const) {
    await deviceModel.attach('ramWindow', {
      server,
      at: { window: Number(base) + page * i },
      options: { fill: i + 1 },
    });
  }
  const bytes = Uint8Array.from({ length: 2 * page + 32 }, (_, i) => (i * 11 + (i >> 8)) & 0xff);
  const start = base + BigInt(page - 16);
  const seen = await guest.run((program) =>
    program
      .write(ram, bytes)
      .repMovs({ size: 8, count: bytes.length / 8, source: ram, destination: start })
      .fill(ram, bytes.length, 0)
      .repMovs({ size: 4, count: bytes.length / 4, source: start, destination: ram })
      .read(ram, bytes.length)
      .repStos({ size: 2, count: bytes.length / 2, destination: start, value: 0x4241 })
      .load(base + BigInt(page - 18), 4)
      .load(base + BigInt(page), 4)
      .load(base + BigInt(2 * page), 4)
      .load(base + BigInt(3 * page + 14), 4),
  );
  const wanted = bytes.slice();
  wanted.fill(0xff, 16 + page, 16 + 2 * page);
  expect(seen.results[4]?.bytes).toEqual(wanted);
  expect(seen.results.slice(6).map(({ value }) => value)).toEqual([0x4241_0101, 0x4241_4241, 0xffff_ffff, 0x0404_4241]);
  const traces = await Promise.all(['one', 'other'].map(async (server) => requestsOf(await deviceModel.trace(server))));
  expect(traces).toEqual([
    // The RAM's page ends in the middle of the device's first: 16 bytes before its own end.
    ['w8x2*', 'w8x2*', 'r4x4*', 'r4x4*', 'w2x8', 'w2x8', 'r4', 'r4'],
    ['w8x510*', 'w8x2*', 'r4x1020*', 'r4x4*', 'w2x2048', 'r4'],
  ]);
  await expect(seen).toMatchOracle();
});
