/**
 * # Background
 * Of an access whose other page nobody owns, one part is the device's and the other is completed by Xen: all ones, or
 * dropped (null_handler in xen/arch/x86/hvm/emulate.c). Inside a page there are no parts: what sticks out of a region there
 * is nobody's as a whole.
 *
 * # Method
 * A device's page with nobody's on both sides, and a region of 100 bytes inside a page: each width across each of the four
 * ends, at each distance.
 *
 * # A broken Xen
 * would drop the device's part too, or give a device bytes beyond its end.
 */
import { expect, HOLE_BELOW_4G, scenario } from 'ioreqlab/scenario';
import { MemoryProgram } from './memory-program.ts';
import { PlainMemory } from './plain-memory.ts';

const page = HOLE_BELOW_4G.start + 0x3_1000n;
const small = HOLE_BELOW_4G.start + 0x3_8010n;
const smallBytes = 100n;

scenario('nobody on one side', async ({ guest, deviceModel }) => {
  await deviceModel.attach('ramWindow', { at: { window: Number(page) }, options: { fill: 0x66 } });
  await deviceModel.attach('ramWindow', {
    ...{ server: 'small', at: { window: Number(small) } },
    options: { size: Number(smallBytes), fill: 0x66 },
  });
  const isPage = (at: bigint): boolean => at >= page && at < page + 0x1000n;
  const isSmall = (at: bigint): boolean => at >= small && at < small + smallBytes;
  const program = new MemoryProgram(new PlainMemory(0x66, (at) => isPage(at) || isSmall(at)));
  for (const width of [2, 4, 8] as const) {
    const ones = BigInt.asUintN(8 * width, -1n);
    const value = BigInt.asUintN(8 * width, 0x0f1e_2d3c_4b5a_6978n);
    for (let before = 1n; before < BigInt(width); before++) {
      for (const end of [page, page + 0x1000n]) {
        program
          .load(end - before, width)
          .store(end - before, width, value + before)
          .load(end - before, width);
      }
      for (const end of [small, small + smallBytes]) {
        const at = end - before;
        program
          .expecting(`${width} at 0x${at.toString(16)}`, ones, (one) => one.load(at, width))
          .add((one) => one.store(at, width, value));
      }
    }
  }
  for (const at of [page, page + 0xff8n, small, small + smallBytes - 8n]) program.load(at, 8);
  const seen = await guest.run(program.build());
  program.check(seen);
  expect(await deviceModel.trace('small')).toHaveLength(2);
  await expect(seen).toMatchOracle();
});
