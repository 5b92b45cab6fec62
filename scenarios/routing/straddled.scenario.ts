/**
 * # Background
 * An access belongs to a server only if one of its ranges holds all of it (rangeset_contains_range in ioreq_server_select,
 * xen/common/ioreq.c). One that begins in a range and ends outside is nobody's, whoever owns the rest: reads give all ones,
 * writes are dropped.
 *
 * # Method
 * Two servers side by side, and one with a gap between its two ranges, among the ports and in memory. Accesses of every
 * width slide over the borders.
 *
 * # A broken Xen
 * would look at the first byte only, split the access, or give it to the owner of the last one.
 */
import { expect, HOLE_BELOW_4G, memory, ports, scenario } from 'ioreqlab/scenario';

const low = 0x1111_1111;
const high = 0x2222_2222;
const ones = 0xffff_ffff;
const hole = Number(HOLE_BELOW_4G.start) + 0x800;

scenario('an access that reaches out of its range is nobody’s', async ({ guest, deviceModel }) => {
  await deviceModel.attachConstant({ server: 'low', value: low });
  await deviceModel.attachConstant({ server: 'high', value: high });
  // Eight bytes the one's, eight the other's; then one byte of the one's, a gap of two, and the one's again.
  for (const [range, base] of [
    [ports, 0x5000],
    [memory, hole],
  ] as const) {
    await deviceModel.mapRanges('low', range(base, base + 7), range(base + 0x10, base + 0x10));
    await deviceModel.mapRanges('low', range(base + 0x13, base + 0x16));
    await deviceModel.mapRanges('high', range(base + 8, base + 0xf));
  }
  const seen = await guest.run((program) => {
    for (const size of [1, 2, 4] as const) {
      for (let at = -size; at < 0x18; at++) {
        program.in(0x5000 + at, size).out(0x5000 + at, size, 0x5a);
        program.load(hole + at, size).store(hole + at, size, 0x5a);
      }
    }
    for (let at = -8; at < 0x18; at++) program.load(hole + at, 8);
    return program;
  });
  const owner = (at: number): number =>
    (at >= 0 && at < 8) || at === 0x10 || (at >= 0x13 && at < 0x17) ? low : at >= 8 && at < 0x10 ? high : ones;
  const group = (at: number): number => (at === 0x10 ? 2 : at >= 0x13 ? 3 : owner(at));
  const value = (at: number, size: number): number => {
    const bytes = Array.from({ length: size }, (_, i) => at + i);
    const isOne = bytes.every((byte) => owner(byte) !== ones && group(byte) === group(at));
    return ((isOne ? owner(at) : ones) & (2 ** Math.min(8 * size, 32) - 1)) >>> 0;
  };
  const expected = [1, 2, 4].flatMap((size) =>
    Array.from({ length: 0x18 + size }, (_, i) => [value(i - size, size), value(i - size, size)]).flat(),
  );
  expected.push(...Array.from({ length: 0x20 }, (_, i) => value(i - 8, 8)));
  const reads = seen.results.filter(({ op }) => op === 'in' || op === 'load');
  expect(reads.map(({ value }) => value)).toEqual(expected);
  await expect(seen).toMatchOracle();
});
