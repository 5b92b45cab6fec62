/**
 * # Background
 * With bit 31 of port 0xcf8 set, what is done to 0xcfc to 0xcff is a cycle to the register that the latch and the lowest two
 * bits of the port name together (ioreq_server_get_type_addr in xen/common/ioreq.c). Xen does not care for alignment: a
 * cycle that reaches beyond its dword, and beyond port 0xcff, is passed on as it is.
 *
 * # Method
 * Reads and writes of every width at every port of the four, at the first, a middle and the last dword; the function answers
 * with a value whose bytes all differ. Then the addresses of the requests are looked at one by one.
 *
 * # A broken Xen
 * would mask the address, cut the access at the end of the dword, or take one that begins at 0xcfc and ends beyond 0xcff for
 * an access to ports.
 */
import { expect, pciFunction, scenario } from 'ioreqlab/scenario';
import { configAddress } from './config.ts';

const device = 0x1f;

scenario('configuration cycles of every width at every offset', async ({ guest, deviceModel }) => {
  await deviceModel.attachConstant({ server: 'main', value: 0x8765_4321 });
  await deviceModel.mapRanges('main', pciFunction('00:1f.0'));
  const registers = [0, 0x7c, 0xfc];
  const cycles = registers.flatMap((register) =>
    [1, 2, 4].flatMap((size) => [0, 1, 2, 3].map((offset) => ({ register, size: size as 1 | 2 | 4, offset }))),
  );
  const seen = await guest.run((program) => {
    for (const { register, size, offset } of cycles) {
      program
        .out(0xcf8, 4, configAddress({ device }, register))
        .in(0xcfc + offset, size, { rax: 0x1111_2222_3333_4444n })
        .out(0xcfc + offset, size, 0x0d);
    }
    return program;
  });
  const reads = seen.results.filter(({ op }) => op === 'in');
  expect(reads.map(({ value }) => value)).toEqual(cycles.map(({ size }) => 0x8765_4321 % 2 ** (8 * size)));
  expect(reads[0]?.rax).toBe(0x1111_2222_3333_4421n);
  await expect(seen).toMatchOracle();
  const records = (await deviceModel.trace('main')).map(({ type, isRead, size, address }) => [
    type,
    isRead,
    size,
    address,
  ]);
  const sbdf = BigInt(device * 8) << 32n;
  expect(records).toEqual(
    cycles.flatMap(({ register, size, offset }) =>
      [true, false].map((isRead) => [2, isRead, size, sbdf + BigInt(register + offset)]),
    ),
  );
});
