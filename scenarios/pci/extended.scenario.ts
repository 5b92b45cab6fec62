/**
 * # Background
 * AMD processors of the families 0x10 to 0x16 have bits 24 to 27 of the latch as bits 8 to 11 of the register; for all
 * others Xen leaves them out, as it does with bits 28 to 30 and the lowest two (ioreq_server_get_type_addr in
 * xen/common/ioreq.c, arch_ioreq_server_get_type_addr in xen/arch/x86/hvm/ioreq.c).
 *
 * # Method
 * The processor's family decides whether the scenario applies. Cycles with each of those bits set, alone and together: all
 * must come to the same function and register.
 *
 * # A broken Xen
 * would let a reserved bit into the bus or the register, as 4.5 did.
 */
import { expect, pciFunction, scenario } from 'ioreqlab/scenario';
import { configAddress } from './config.ts';

scenario('reserved bits of the latch', async ({ guest, deviceModel, host, skip }) => {
  if (host.kind !== 'model') {
    const { results } = await guest.run((program) => program.cpuid(1));
    const family = Number(((results[0]?.rax ?? 0n) >> 8n) & 15n);
    const extended = Number(((results[0]?.rax ?? 0n) >> 20n) & 0xffn);
    if (family === 15 && extended >= 1 && extended <= 7) skip('the processor may have extended register numbers');
  }
  await deviceModel.attachConstant({ server: 'main', value: 0x1234_5678 });
  await deviceModel.mapRanges('main', pciFunction('00:1f.0'));
  const base = configAddress({ device: 0x1f }, 0x40);
  const latches = [
    ...[24, 25, 26, 27, 28, 29, 30].map((bit) => base + 2 ** bit),
    ...[base + 0x7f00_0000, base + 1, base + 2, base + 3, base],
  ];
  const seen = await guest.run((program) => {
    for (const latch of latches) program.out(0xcf8, 4, latch).in(0xcfd, 2);
    return program;
  });
  expect(seen.results.filter(({ op }) => op === 'in').map(({ value }) => value)).toEqual(latches.map(() => 0x5678));
  await expect(seen).toMatchOracle();
  const addresses = new Set((await deviceModel.trace('main')).map(({ address }) => address));
  expect(addresses).toEqual(new Set([(BigInt(0x1f * 8) << 32n) + 0x41n]));
});
