/**
 * # Background
 * The range of a batch is that of all its repetitions: ioreq_server_select in xen/common/ioreq.c looks for a server that owns
 * it from the first byte to the last, and there is no other try. So of a batch that sticks out of a region inside a page
 * nothing arrives, not even what is inside; one element at a time, all that is inside would.
 *
 * # Method
 * A region of 64 bytes in a page of its own. REP STOS and REP MOVS over its ends, up and down, and just up to them; LODS
 * over the end, which is no batch.
 *
 * # A broken Xen
 * would give the device bytes that are not its own. One that splits such a batch would be better than the one that we have.
 */
import { expect, HOLE_BELOW_4G, scenario, SCRATCH } from 'ioreqlab/scenario';
import { MemoryProgram } from '../memory/memory-program.ts';
import { PlainMemory } from '../memory/plain-memory.ts';

const region = HOLE_BELOW_4G.start + 0x1c_0200n;
const bytes = 64n;
const ram = SCRATCH.start + 0xa_0000n;

scenario('batches beyond a region', async ({ guest, deviceModel }) => {
  const size = Number(bytes);
  await deviceModel.attach('ramWindow', { at: { window: Number(region) }, options: { size, fill: 0x10 } });
  const end = region + bytes;
  const isOwned = (at: bigint): boolean => at >= region && at < end;
  const program = new MemoryProgram(new PlainMemory(0x10, isOwned));
  const value = 0x2122_2324;
  const stos = (destination: bigint, count: number, backward: boolean, isWhole: boolean): void => {
    program.add(
      (one) => one.repStos({ size: 4, count, backward, destination, value }),
      (memory) => {
        for (let i = 0n; i < (isWhole ? count : 0); i++) {
          memory.store(destination + (backward ? -4n : 4n) * i, 4, BigInt(value));
        }
      },
    );
  };
  program.add((one) =>
    one.write(
      ram,
      Uint8Array.from({ length: 32 }, (_, i) => 0x80 + i),
    ),
  );
  stos(end - 8n, 3, false, false);
  stos(region + 4n, 3, true, false);
  stos(region - 4n, 2, false, false);
  program.load(end - 8n, 8).load(region, 8);
  // Just up to the ends.
  stos(end - 8n, 2, false, true);
  stos(region + 4n, 2, true, true);
  program.load(end - 8n, 8).load(region, 8);
  // To RAM: all ones, also of what is the device's.
  program
    .add((one) => one.repMovs({ size: 4, count: 3, source: ram, destination: end - 8n }))
    .load(end - 8n, 8)
    .add((one) => one.repMovs({ size: 4, count: 3, source: end - 8n, destination: ram }))
    .add((one) => one.read(ram, 16))
    .add((one) => one.repMovs({ size: 4, count: 2, source: end - 8n, destination: ram }))
    .add((one) => one.read(ram, 16));
  program
    .expecting('one element is inside', 0x2122_2324n, (one) => one.lods({ size: 4, repeat: 'none', source: end - 4n }))
    .expecting('the last is nobody', 0xffff_ffffn, (one) =>
      one.lods({ size: 4, repeat: 'rep', count: 3, source: end - 8n }),
    );
  const seen = await guest.run(program.build());
  program.check(seen);
  const reads = seen.results.flatMap(({ bytes: read }) => (read === undefined ? [] : [[...read]]));
  const rest = [0x8c, 0x8d, 0x8e, 0x8f];
  const ones = Array.from({ length: 12 }, () => 0xff);
  const stored = [0x24, 0x23, 0x22, 0x21, 0x24, 0x23, 0x22, 0x21];
  expect(reads).toEqual([
    [...ones, ...rest],
    [...stored, 0xff, 0xff, 0xff, 0xff, ...rest],
  ]);
  expect((await deviceModel.trace()).every(({ address }) => isOwned(address))).toBe(true);
  await expect(seen).toMatchOracle();
});
