/**
 * # Background
 * A cycle to a function that no server owns is nobody's: it reads all ones and writes nothing. That somebody owns the ports
 * 0xcfc to 0xcff does not help, nor that he owns all other functions of the device (ioreq_server_select in
 * xen/common/ioreq.c looks at functions only).
 *
 * # Method
 * One server owns the ports, others the neighbours of a function: those of the same device, of the same number in the
 * devices beside it, and the same function on another bus and in another segment. Cycles of every width to the function.
 *
 * # A broken Xen
 * would fall back to the owner of the ports, or compare only a part of the address.
 */
import { expect, pciFunction, ports, scenario } from 'ioreqlab/scenario';
import { configAddress } from './config.ts';

scenario('a function that nobody owns', async ({ guest, deviceModel }) => {
  await deviceModel.attachConstant({ server: 'ports', value: 0x1111_1111 });
  await deviceModel.attachConstant({ server: 'neighbours', value: 0x2222_2222 });
  await deviceModel.mapRanges('ports', ports(0xcfc, 0xcff));
  const neighbours = ['00:1d.2', '00:1d.4', '00:1c.3', '00:1e.3', '01:1d.3', '0001:00:1d.3', '80:1d.3', '00:0d.3'];
  await deviceModel.mapRanges('neighbours', ...neighbours.map(pciFunction));
  const seen = await guest.run((program) => {
    program.out(0xcf8, 4, configAddress({ device: 0x1d, fn: 3 }, 0x10));
    for (const size of [1, 2, 4] as const) {
      for (const offset of [0, 1, 2, 3]) program.out(0xcfc + offset, size, 0).in(0xcfc + offset, size);
    }
    // So that the neighbours were there.
    for (const fn of [2, 4]) program.out(0xcf8, 4, configAddress({ device: 0x1d, fn })).in(0xcfc, 1);
    return program;
  });
  const values = seen.results.filter(({ op }) => op === 'in').map(({ value }) => value);
  expect(values).toEqual([
    ...[0xff, 0xffff, 0xffff_ffff].flatMap((ones) => Array<number>(4).fill(ones)),
    ...[0x22, 0x22],
  ]);
  await expect(seen).toMatchOracle();
  expect(await deviceModel.trace('ports')).toEqual([]);
  expect(await deviceModel.trace('neighbours')).toHaveLength(2);
});
