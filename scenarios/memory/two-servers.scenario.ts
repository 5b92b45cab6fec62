/**
 * # Background
 * Each part of an access across a page is sent for itself, so the two may be of different servers: the vCPU waits for the
 * one, then for the other (hvmemul_do_io, and ioreq_server_select for each request).
 *
 * # Method
 * Two servers with a page each, side by side, the later one first and the other way round. Loads and stores of each width
 * across the ends between them, against plain memory; each server has seen its part alone.
 *
 * # A broken Xen
 * would send both parts to one server, wait for one of them only, or join them wrongly.
 */
import { expect, HOLE_BELOW_4G, scenario } from 'ioreqlab/scenario';
import { MemoryProgram } from './memory-program.ts';

const base = HOLE_BELOW_4G.start + 0x2_0000n;

scenario('the two sides are of two servers', async ({ guest, deviceModel }) => {
  // One has the first and the third page, the other the second.
  for (const [i, server] of ['one', 'other', 'one'].entries()) {
    await deviceModel.attach('ramWindow', { server, at: { window: Number(base) + 0x1000 * i } });
  }
  const program = new MemoryProgram();
  for (const end of [base + 0x1000n, base + 0x2000n]) {
    program.store(end - 8n, 8, 0x8899_aabb_ccdd_eeffn).store(end, 8, 0x0011_2233_4455_6677n);
    for (const width of [2, 4, 8] as const) {
      for (let before = 1n; before < BigInt(width); before++) {
        program.load(end - before, width).store(end - before, width, 0xf1e2_d3c4_b5a6_9788n * (before + 2n));
      }
    }
    program.load(end - 8n, 8).load(end, 8);
  }
  const seen = await guest.run(program.build());
  program.check(seen);
  const pages = async (server: string): Promise<Set<bigint>> =>
    new Set((await deviceModel.trace(server)).map(({ address }) => (address - base) >> 12n));
  expect([await pages('one'), await pages('other')]).toEqual([new Set([0n, 2n]), new Set([1n])]);
  await expect(seen).toMatchOracle();
});
