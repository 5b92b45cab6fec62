/**
 * # Background
 * Of two servers that own a function the one with the higher id gets its cycles; when it gives the function up, the other has
 * them again (ioreq_server_select in xen/common/ioreq.c). That goes for QEMU's functions as well: a server that was made
 * later takes them.
 *
 * # Method
 * Two servers own a function in turn, together, and neither. In an HVM guest the same with function 0 of device 1, which is
 * QEMU's bridge: it has QEMU's id, then ours, then QEMU's again.
 *
 * # A broken Xen
 * would keep asking who was there first, or nobody once it was taken.
 */
import { expect, pciFunction, scenario } from 'ioreqlab/scenario';
import { configAddress } from './config.ts';

scenario('a function is taken, and given back', async ({ guest, deviceModel }) => {
  await deviceModel.attachConstant({ server: 'low', value: 0x1111_1111 });
  await deviceModel.attachConstant({ server: 'high', value: 0x2222_2222 });
  const read = async (device: number): Promise<number | undefined> => {
    const seen = await guest.run((program) => program.out(0xcf8, 4, configAddress({ device })).in(0xcfc, 4));
    await expect(seen).toMatchOracle();
    return seen.results[1]?.value;
  };
  const one = pciFunction('00:1d.0');
  expect(await read(0x1d)).toBe(0xffff_ffff);
  await deviceModel.mapRanges('low', one);
  expect(await read(0x1d)).toBe(0x1111_1111);
  await deviceModel.mapRanges('high', one);
  expect(await read(0x1d)).toBe(0x2222_2222);
  await deviceModel.unmapRanges('low', one);
  expect(await read(0x1d)).toBe(0x2222_2222);
  await deviceModel.mapRanges('low', one);
  await deviceModel.unmapRanges('high', one);
  expect(await read(0x1d)).toBe(0x1111_1111);
  await deviceModel.unmapRanges('low', one);
  expect(await read(0x1d)).toBe(0xffff_ffff);

  // Intel's PIIX3, or nobody.
  const bridge = await read(1);
  if (guest.environment === 'pvh') expect(bridge).toBe(0xffff_ffff);
  await deviceModel.mapRanges('low', pciFunction('00:01.0'));
  expect(await read(1)).toBe(0x1111_1111);
  await deviceModel.unmapRanges('low', pciFunction('00:01.0'));
  expect(await read(1)).toBe(bridge);
});
