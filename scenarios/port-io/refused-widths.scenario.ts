/**
 * # Background
 * Xen knows no widths: it gives a device model every access inside its ranges. What a device does not decode is the
 * library's to refuse, as a bus does: it reads all ones, and a write goes nowhere.
 *
 * # Method
 * Regions that take bytes, words or longs only, and one that takes what is aligned: each width at each offset. A handler
 * that was called says so in what it reads. Then a write that is refused and one that is not, for each region.
 *
 * # A broken Xen
 * would widen, narrow or align an access, so that a region takes what it should refuse.
 */
import { expect, ProgramBuilder, scenario } from 'ioreqlab/scenario';
import wide from './wide-device.device.ts';

const at = { bytes: 0x5000, words: 0x5008, longs: 0x5010, aligned: 0x5018 };
const regions = [
  { first: at.bytes, mark: 0x40, takes: (_offset: number, width: number) => width === 1 },
  { first: at.words, mark: 0x50, takes: (_offset: number, width: number) => width === 2 },
  { first: at.longs, mark: 0x60, takes: (_offset: number, width: number) => width === 4 },
  { first: at.aligned, mark: 0x70, takes: (offset: number, width: number) => offset % width === 0 },
];

scenario('widths that a region does not take', async ({ guest, deviceModel }) => {
  await deviceModel.attach(wide, { at });
  const program = new ProgramBuilder();
  const wanted: (number | undefined)[] = [];
  for (const { first, mark, takes } of regions) {
    for (const width of [1, 2, 4] as const) {
      const cut = (value: bigint): number => Number(BigInt.asUintN(8 * width, value));
      for (let offset = 0; offset + width <= 8; offset++) {
        program.in(first + offset, width);
        wanted.push(cut(takes(offset, width) ? BigInt(mark + offset + 0x100 * width) : -1n));
      }
    }
  }
  for (const { first, mark, takes } of regions) {
    const own = ([1, 2, 4] as const).find((width) => takes(0, width)) ?? 1;
    const other = own === 4 ? 1 : 4;
    const isTaken = takes(4, other);
    program
      .out(first + 4, other, 0x11)
      .in(first, own)
      .out(first, own, 0x22)
      .in(first, own);
    const before = Number(BigInt.asUintN(8 * own, BigInt(mark + 0x100 * own)));
    wanted.push(undefined, isTaken ? 0x11 : before, undefined, 0x22);
  }
  const seen = await guest.run(program.build());
  expect(seen.results.map(({ value }, i) => (wanted[i] === undefined ? undefined : value))).toEqual(wanted);
  await expect(seen).toMatchOracle();
  const { counters } = await deviceModel.closeServer();
  const refused = { badWidth: 0, misaligned: 0 };
  for (const { takes, mark } of regions) {
    for (const width of [1, 2, 4]) {
      for (let offset = 0; offset + width <= 8; offset++) {
        if (!takes(offset, width)) refused[mark === 0x70 ? 'misaligned' : 'badWidth']++;
      }
    }
  }
  // And one write of the wrong width to each of the first three.
  expect(counters).toMatchObject({ badWidth: refused.badWidth + 3, misaligned: refused.misaligned, unclaimed: 0 });
});
