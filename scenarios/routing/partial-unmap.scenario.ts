/**
 * # Background
 * A part of a range can be taken away, as long as all of it is owned: at an end, in the middle, or over what was added as
 * two ranges that touch (rangeset_remove_range in xen/common/rangeset.c, hvm_unmap_io_range_from_ioreq_server).
 *
 * # Method
 * Sixteen ports and sixteen bytes of memory, in two ranges that touch. Pieces are taken away and given back; after each
 * the guest reads all of it in every width.
 *
 * # A broken Xen
 * would take away the whole range, leave the piece, or forget the part behind it.
 */
import { expect, HOLE_BELOW_4G, memory, ports, scenario } from 'ioreqlab/scenario';

const base = 0x5500;
const hole = Number(HOLE_BELOW_4G.start) + 0x500;

scenario('a part of a range can be taken away', async ({ guest, deviceModel }) => {
  await deviceModel.attachConstant({ server: 'main', value: 0x7777_7777 });
  const owned = Array<boolean>(16).fill(true);
  const piece = (first: number, last: number) => [ports(base + first, base + last), memory(hole + first, hole + last)];
  const look = async (): Promise<void> => {
    const seen = await guest.run((program) => {
      for (const size of [1, 2, 4] as const) {
        for (let at = 0; at <= 16 - size; at++) program.in(base + at, size).load(hole + at, size);
      }
      return program;
    });
    const expected = [1, 2, 4].flatMap((size) =>
      Array.from({ length: 17 - size }, (_, at) => {
        const value = owned.slice(at, at + size).every(Boolean) ? 0x77 : 0xff;
        return [value, value];
      }).flat(),
    );
    expect(seen.results.map(({ value }) => value & 0xff)).toEqual(expected);
    await expect(seen).toMatchOracle();
  };
  const take = async (first: number, last: number): Promise<void> => {
    await deviceModel.unmapRanges('main', ...piece(first, last));
    owned.fill(false, first, last + 1);
    await look();
  };
  const give = async (first: number, last: number): Promise<void> => {
    await deviceModel.mapRanges('main', ...piece(first, last));
    owned.fill(true, first, last + 1);
    await look();
  };
  await deviceModel.mapRanges('main', ...piece(0, 7), ...piece(8, 15));
  await look();
  // Over the border of the two; at each end; in the middle of what is left.
  await take(7, 8);
  await take(0, 0);
  await take(15, 15);
  await take(3, 4);
  // Over a gap it is not all owned.
  await expect(deviceModel.unmapRanges('main', ...piece(2, 5))).rejects.toMatchObject({ code: 'ENOENT' });
  await look();
  await give(3, 4);
  await give(7, 8);
  await take(1, 14);
});
