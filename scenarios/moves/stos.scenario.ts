/**
 * # Background
 * REP STOS to a device is one value that is stored `count` times, as far as the frame goes (hvmemul_rep_stos and
 * hvmemul_do_io in xen/arch/x86/hvm/emulate.c). An element across two frames is a batch of one, which is not split; the
 * last element of all is no batch, and is.
 *
 * # Method
 * STOS and REP STOS at chosen distances from the end of a page inside a device, up and down, in each width: the requests,
 * one by one, and what is in the device's memory afterwards.
 *
 * # A broken Xen
 * would store in the wrong direction, lose or repeat an element at the end of a page, or hand over an address.
 */
import { expect, HOLE_BELOW_4G, scenario } from 'ioreqlab/scenario';
import { MemoryProgram } from '../memory/memory-program.ts';
import { requestsOf } from '../string-io/requests-of.ts';

const base = HOLE_BELOW_4G.start + 0x10_0000n;
const end = base + 0x1000n;

/** Width, direction, where the first element is from the end of the page, repetitions, and the requests. */
const cases: readonly (readonly [1 | 2 | 4 | 8, boolean, bigint, number, readonly string[]])[] = [
  [1, false, -3n, 8, ['w1x3', 'w1x5']],
  [2, false, -8n, 4, ['w2x4']],
  [2, false, -3n, 4, ['w2', 'w2', 'w2x2']],
  [4, false, -12n, 4, ['w4x3', 'w4']],
  [4, false, -6n, 3, ['w4', 'w4', 'w4']],
  [8, false, -20n, 4, ['w8x2', 'w8', 'w8']],
  [8, false, -32n, 6, ['w8x4', 'w8x2']],
  [1, true, 2n, 6, ['w1x3-', 'w1x3-']],
  [2, true, 4n, 5, ['w2x3-', 'w2x2-']],
  [4, true, 4n, 4, ['w4x2-', 'w4x2-']],
  [8, true, 8n, 4, ['w8x2-', 'w8x2-']],
  [4, true, -4n, 3, ['w4x3-']],
  // The last element of all lies across, and comes in parts.
  [4, false, -10n, 3, ['w4x2', 'w2', 'w2']],
  [8, false, -1n, 1, ['w1', 'w4', 'w2', 'w1']],
  [4, true, 1n, 2, ['w4-', 'w2', 'w1', 'w1']],
];

scenario('STOS', async ({ guest, deviceModel }) => {
  await deviceModel.attach('ramWindow', { at: { window: Number(base) }, options: { size: 0x2000 } });
  const program = new MemoryProgram();
  const wanted: string[] = [];
  const registers: (readonly [number, bigint])[] = [];
  let count = 0;
  const value = 0x9897_9695_9493_9291n;
  for (const [turn, [size, backward, offset, repetitions, requests]] of cases.entries()) {
    for (let i = -40n; i < 56n; i += 8n) program.store(end + i, 8, 0n);
    const first = end + offset;
    const stored = BigInt.asUintN(8 * size, value + 0x0101_0101_0101_0101n * BigInt(turn));
    const step = BigInt(backward ? -size : size);
    program.add(
      (one) => one.repStos({ size, count: repetitions, backward, destination: first, value: stored }),
      (memory) => {
        for (let i = 0n; i < repetitions; i++) memory.store(first + i * step, size, stored);
      },
    );
    registers.push([count + 12, first + step * BigInt(repetitions)]);
    for (let i = -40n; i < 56n; i += 8n) program.load(end + i, 8);
    count += 25;
    wanted.push(...requests);
  }
  // Without a prefix, down: RDI moves, RCX does not count.
  program.add((one) => one.stos({ size: 4, count: 5, backward: true, destination: base, value: 0x1234_5678 }));
  registers.push([count, base - 4n]);
  program.memory.store(base, 4, 0x1234_5678n);
  program.load(base, 8);
  const seen = await guest.run(program.build());
  program.check(seen);
  expect(registers.map(([i]) => seen.results[i]?.rdi)).toEqual(registers.map(([, rdi]) => rdi));
  const stores = (await deviceModel.trace()).filter(({ isRead, data }) => !isRead && data !== 0n);
  expect(requestsOf(stores)).toEqual([...wanted, 'w4']);
  await expect(seen).toMatchOracle();
});
