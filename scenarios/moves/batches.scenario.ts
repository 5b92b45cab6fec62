/**
 * # Background
 * REP MOVS between RAM and a device comes in batches that end where the RAM's page or the device's frame ends, whichever is
 * first (hvmemul_rep_movs, hvmemul_do_io_addr and hvmemul_do_io in xen/arch/x86/hvm/emulate.c). Downwards the RAM side
 * counts one element less where it is aligned.
 *
 * # Method
 * To the device and back, up and down, with ends of pages on one side, on the other, and on both; the requests, one by one,
 * and the data.
 *
 * # A broken Xen
 * would go on into the next page of either side, which is another frame's, or hold one side's direction.
 */
import { expect, HOLE_BELOW_4G, scenario, SCRATCH } from 'ioreqlab/scenario';
import { MemoryProgram } from '../memory/memory-program.ts';
import { requestsOf } from '../string-io/requests-of.ts';

const device = HOLE_BELOW_4G.start + 0x13_0000n;
const deviceEnd = device + 0x1000n;
const ramEnd = SCRATCH.start + 0x6_1000n;
const count = 8;

/** Width, direction, where RAM and the device begin from the ends of their pages, and the batches. */
const cases: readonly (readonly [1 | 2 | 4 | 8, boolean, bigint, bigint, readonly number[]])[] = [
  [1, false, -0x100n, -3n, [3, 5]],
  [1, false, -3n, -0x100n, [3, 5]],
  [2, false, -4n, -10n, [2, 3, 3]],
  [4, false, -8n, -0x80n, [2, 6]],
  [4, false, -6n, -0x80n, [1, 1, 6]],
  [8, false, -16n, -24n, [2, 1, 5]],
  [8, false, -0x100n, -0x100n, [8]],
  [1, true, 2n, -0x80n, [2, 1, 5]],
  [2, true, -0x80n, 4n, [3, 5]],
  [4, true, 8n, 4n, [2, 1, 5]],
  [8, true, 5n, -0x80n, [1, 1, 6]],
];

scenario('batches of REP MOVS', async ({ guest, deviceModel }) => {
  await deviceModel.attach('ramWindow', { at: { window: Number(device) }, options: { size: 0x2000 } });
  const program = new MemoryProgram();
  const wanted: string[] = [];
  for (const [turn, [size, backward, ramOffset, deviceOffset, batches]] of cases.entries()) {
    const [ram, there] = [ramEnd + ramOffset, deviceEnd + deviceOffset];
    const length = count * size;
    const bytes = Uint8Array.from({ length }, (_, i) => 0x40 + turn * 16 + i);
    const down = backward ? BigInt(length - size) : 0n;
    const common = { size, count, backward };
    program
      .add((one) => one.write(ram - down, bytes))
      .add((one) => one.repMovs({ ...common, source: ram, destination: there }));
    program.memory.setBytes(there - down, bytes);
    for (const at of [there - down, there - down + BigInt(length - size)]) program.load(at, size);
    program
      .add((one) => one.fill(ram - down, length, 0))
      .add((one) => one.repMovs({ ...common, source: there, destination: ram }))
      .add((one) => one.read(ram - down, length));
    const batch = (letter: string): string[] =>
      batches.map((n) => `${letter}${size}${n === 1 ? '' : `x${n}`}*${backward ? '-' : ''}`);
    wanted.push(...batch('w'), ...batch('r'));
  }
  const seen = await guest.run(program.build());
  program.check(seen);
  const reads = seen.results.flatMap(({ bytes }) => (bytes === undefined ? [] : [bytes]));
  cases.forEach(([size], turn) => {
    expect(reads[turn]).toEqual(Uint8Array.from({ length: count * size }, (_, i) => 0x40 + turn * 16 + i));
  });
  const moves = (await deviceModel.trace()).filter(({ dataIsPointer }) => dataIsPointer);
  expect(requestsOf(moves)).toEqual(wanted);
  await expect(seen).toMatchOracle();
});
