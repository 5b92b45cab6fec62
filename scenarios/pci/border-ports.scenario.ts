/**
 * # Background
 * Whether an access is a configuration cycle depends on the dword of its first port alone: 0xcfc to 0xcff, with bit 31 of the
 * latch set (ioreq_server_get_type_addr in xen/common/ioreq.c). One that begins below and reaches into it is an access to
 * ports, and so is one that begins at 0xd00.
 *
 * # Method
 * A server owns the ports around the four, another one a function. Reads slide over both borders, with bit 31 and without.
 *
 * # A broken Xen
 * would turn an access into a cycle because it touches 0xcfc, or give a cycle to the owner of the ports.
 */
import { expect, pciFunction, ports, scenario } from 'ioreqlab/scenario';
import { configAddress } from './config.ts';

scenario('what begins outside of the data port is no cycle', async ({ guest, deviceModel }) => {
  await deviceModel.attachConstant({ server: 'ports', value: 0x1111_1111 });
  await deviceModel.attachConstant({ server: 'function', value: 0x2222_2222 });
  await deviceModel.mapRanges('ports', ports(0xcf8, 0xd07));
  await deviceModel.mapRanges('function', pciFunction('00:1f.0'));
  const accesses = [1, 2, 4].flatMap((size) =>
    Array.from({ length: 13 - size }, (_, i) => ({ port: 0xcf8 + i, size: size as 1 | 2 | 4 })),
  );
  const seen = await guest.run((program) => {
    for (const latch of [configAddress({ device: 0x1f }), configAddress({ device: 0x1f }) - 0x8000_0000]) {
      program.out(0xcf8, 4, latch);
      for (const { port, size } of accesses) program.in(port, size);
    }
    return program;
  });
  const isCycle = (port: number): boolean => port >= 0xcfc && port < 0xd00;
  const values = seen.results.filter(({ op }) => op === 'in').map(({ value }) => value & 0xff);
  expect(values).toEqual([...accesses.map(({ port }) => (isCycle(port) ? 0x22 : 0x11)), ...accesses.map(() => 0x11)]);
  await expect(seen).toMatchOracle();
});
