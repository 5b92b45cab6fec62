/**
 * # Background
 * A range that overlaps one of the same server is refused with EEXIST, one that ends before it begins with EINVAL
 * (XSA-238), and a range or a part of one that the server does not own cannot be taken away: ENOENT
 * (hvm_map_io_range_to_ioreq_server in xen/common/ioreq.c). Another server may own the same.
 *
 * # Method
 * Every way in which two ranges can meet is tried on ports, memory and PCI functions; after each refusal the guest looks
 * whether anything has changed.
 *
 * # A broken Xen
 * would take a range twice, so that it is still there when it was taken away once, or lose what it refused to change.
 */
import { expect, HOLE_BELOW_4G, memory, pciFunction, ports, scenario } from 'ioreqlab/scenario';

const hole = Number(HOLE_BELOW_4G.start);

scenario('a range that overlaps one of the same server is refused', async ({ guest, deviceModel }) => {
  await deviceModel.attachConstant({ server: 'main', value: 0x5555_5555 });
  await deviceModel.attachConstant({ server: 'other', value: 0x6666_6666 });
  for (const [range, base] of [
    [ports, 0x5210],
    [memory, hole + 0x210],
  ] as const) {
    await deviceModel.mapRanges('main', range(base, base + 7));
    const overlapping = [
      [0, 7],
      [2, 3],
      [-4, 11],
      [-4, 0],
      [7, 11],
      [0, 0],
      [7, 7],
    ] as const;
    for (const [first, last] of overlapping) {
      await expect(deviceModel.mapRanges('main', range(base + first, base + last))).rejects.toMatchObject({
        code: 'EEXIST',
      });
    }
    for (const what of ['mapRanges', 'unmapRanges'] as const) {
      await expect(deviceModel[what]('main', range(base + 3, base + 2))).rejects.toMatchObject({ code: 'EINVAL' });
    }
    for (const [first, last] of [
      [-1, 7],
      [0, 8],
      [8, 8],
      [-1, -1],
    ] as const) {
      await expect(deviceModel.unmapRanges('main', range(base + first, base + last))).rejects.toMatchObject({
        code: 'ENOENT',
      });
    }
    // The other's; taken away again at once.
    await deviceModel.mapRanges('other', range(base, base + 7));
    await deviceModel.unmapRanges('other', range(base, base + 7));
  }
  const one = pciFunction('00:1e.0');
  await deviceModel.mapRanges('main', one);
  await expect(deviceModel.mapRanges('main', one)).rejects.toMatchObject({ code: 'EEXIST' });
  await expect(deviceModel.unmapRanges('main', pciFunction('00:1e.1'))).rejects.toMatchObject({ code: 'ENOENT' });

  const look = async (): Promise<readonly number[]> => {
    const seen = await guest.run((program) => {
      for (const at of [-4, 0, 4, 8]) program.in(0x5210 + at, 4).load(hole + 0x210 + at, 4);
      return program.out(0xcf8, 4, 0x8000_f000).in(0xcfc, 4).out(0xcf8, 4, 0x8000_f100).in(0xcfc, 4);
    });
    await expect(seen).toMatchOracle();
    return seen.results.filter(({ op }) => op !== 'out').map(({ value }) => value);
  };
  const [ours, none] = [0x5555_5555, 0xffff_ffff];
  expect(await look()).toEqual([none, none, ours, ours, ours, ours, none, none, ours, none]);
  // Once is enough.
  await deviceModel.unmapRanges('main', ports(0x5210, 0x5217), memory(hole + 0x210, hole + 0x217), one);
  expect(await look()).toEqual(Array<number>(10).fill(none));
});
