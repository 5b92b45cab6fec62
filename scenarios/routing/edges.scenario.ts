/**
 * # Background
 * Ranges are of 64-bit numbers, whatever they stand for: port 0 and 0xffff are ports like others, an access at 0xffff that
 * is wider than a byte reaches beyond the last port and belongs to a server only if its range goes on there, and a range
 * may end with the last address that there is (rangeset.c, hvm_map_io_range_to_ioreq_server).
 *
 * # Method
 * A server owns the first and the last ports, the first and the last addresses that the guest can make, and ranges at
 * numbers that no access can have. Accesses at all ends.
 *
 * # A broken Xen
 * would wrap, cut an end to 16 or 32 bits, or take the last number for none.
 */
import { expect, memory, ports, scenario } from 'ioreqlab/scenario';

const top = 2n ** 64n - 1n;

scenario('ranges at the ends', async ({ guest, deviceModel }) => {
  await deviceModel.attachConstant({ server: 'main', value: 0x9999_9999 });
  await deviceModel.attachConstant({ server: 'beyond', value: 0x1212_1212 });
  // DMA controllers that a guest without QEMU has not, and nobody uses here: ports 0 to 7.
  await deviceModel.mapRanges('main', ports(0, 7), ports(0xfff8, 0xffff));
  await deviceModel.mapRanges('beyond', ports(0xfffc, 0x1_0002));
  // The last page below 2^32 but one, 2^32 itself, and the last address.
  const four = 2n ** 32n;
  await deviceModel.mapRanges(
    'main',
    memory(four - 16n, four + 15n),
    memory(top - 0xfffn, top),
    memory(top >> 1n, top >> 1n),
  );
  await expect(deviceModel.mapRanges('main', memory(top, top))).rejects.toMatchObject({ code: 'EEXIST' });
  await expect(deviceModel.mapRanges('main', memory(top, 0n))).rejects.toMatchObject({ code: 'EINVAL' });
  await deviceModel.mapRanges('main', memory(0n, 0n));

  const seen = await guest.run((program) =>
    program
      .in(0, 1)
      .in(0, 4)
      .in(4, 4)
      .in(5, 4)
      .out(0, 4, 0)
      .in(0xfff8, 4)
      .in(0xfffc, 4)
      .in(0xffff, 1)
      .in(0xfffe, 2)
      .in(0xfff7, 1)
      .load(four - 16n, 8)
      .load(four - 4n, 8)
      .load(four - 4n, 4)
      .load(four, 8)
      .load(four + 8n, 8)
      .load(four + 12n, 8)
      .load(four - 17n, 4),
  );
  const isPvh = guest.environment === 'pvh';
  const [main, none] = [0x9999_9999, 0xffff_ffff];
  const values = seen.results.map(({ value }) => value);
  expect(values.slice(0, 4)).toEqual([0x99, main, main, isPvh ? none : values[3]]);
  expect(values.slice(5, 10)).toEqual([main, 0x1212_1212, 0x12, 0x1212, 0xff]);
  // Over 2^32 the access is two, of a page each.
  expect(values.slice(10)).toEqual([main, main, main, main, main, none, none]);
  await expect(seen).toMatchOracle();
  // As it came: nothing of the highest numbers was lost.
  await deviceModel.unmapRanges('main', memory(top - 0xfffn, top), memory(top >> 1n, top >> 1n), memory(0n, 0n));
  await expect(deviceModel.unmapRanges('main', memory(top, top))).rejects.toMatchObject({ code: 'ENOENT' });
});
