/**
 * # Background
 * Xen keeps what a write of four bytes to port 0xcf8 says, and nothing else: narrower writes, to it or to its other bytes, and
 * wider ones beside it, leave the latch as it was (hvm_access_cf8 in xen/arch/x86/hvm/ioreq.c). All of them go on to whoever
 * owns the port, as reads do; Xen itself never answers there.
 *
 * # Method
 * Two functions and the owner of port 0xcf8. Between cycles the latch is written in every way that must not count, then in the
 * one that does, also twice the same and with its reserved bits set.
 *
 * # A broken Xen
 * would put a byte into the latch, keep the write from the owner of the port, or answer a read of it.
 */
import { expect, pciFunction, ports, scenario } from 'ioreqlab/scenario';
import { configAddress } from './config.ts';

scenario('only four bytes at once change the latch', async ({ guest, deviceModel }) => {
  await deviceModel.attachConstant({ server: 'latch', value: 0xcf8c_f8cf });
  await deviceModel.attachConstant({ server: 'one', value: 0x1111_1111 });
  await deviceModel.attachConstant({ server: 'other', value: 0x2222_2222 });
  await deviceModel.mapRanges('latch', ports(0xcf8, 0xcfb));
  await deviceModel.mapRanges('one', pciFunction('00:1d.0'));
  await deviceModel.mapRanges('other', pciFunction('00:1e.0'));
  const [one, other] = [configAddress({ device: 0x1d }), configAddress({ device: 0x1e })];
  const seen = await guest.run((program) => {
    program.out(0xcf8, 4, one).in(0xcfc, 4).in(0xcf8, 4).in(0xcf9, 2).in(0xcfb, 1);
    // The other's address, piece by piece: 0x8000f000.
    for (const at of [0, 1, 2, 3]) program.out(0xcf8 + at, 1, (other >>> (8 * at)) & 0xff).in(0xcfc, 4);
    for (const at of [0, 2]) program.out(0xcf8 + at, 2, (other >>> (8 * at)) & 0xffff).in(0xcfc, 4);
    program.out(0xcf9, 2, 0xf0).in(0xcfc, 4);
    // Four bytes, but beside it: nobody's.
    program.out(0xcf7, 4, other).in(0xcfc, 4).out(0xcf9, 4, other).in(0xcfc, 4);
    return program
      .out(0xcf8, 4, other)
      .in(0xcfc, 4)
      .out(0xcf8, 4, other)
      .in(0xcfc, 4)
      .out(0xcf8, 4, one + 3)
      .in(0xcfc, 4)
      .out(0xcf8, 4, 0)
      .out(0xcf8, 4, one)
      .in(0xcfc, 4);
  });
  const values = seen.results.filter(({ op }) => op === 'in').map(({ value }) => value);
  const [a, b] = [0x1111_1111, 0x2222_2222];
  expect(values).toEqual([a, 0xcf8c_f8cf, 0xf8cf, 0xcf, ...Array<number>(9).fill(a), b, b, a, a]);
  await expect(seen).toMatchOracle();
  // All but the two that reach out of its range.
  expect(await deviceModel.trace('latch')).toHaveLength(seen.results.filter(({ op }) => op === 'out').length - 2 + 3);
});
