/**
 * # Background
 * The latch of port 0xcf8 is one for the whole domain, as there is one in a host bridge (hvm_domain.pci_cf8): what one vCPU
 * writes decides where the next cycle of another one goes. Guests have a lock for it.
 *
 * # Method
 * Two vCPUs in turn, by barriers: one selects a function, the other reads it; then the other way round, while each changes the
 * latch between the selection and the read of the other.
 *
 * # A broken Xen
 * would keep a latch for each vCPU.
 */
import { expect, pciFunction, ProgramBuilder, scenario } from 'ioreqlab/scenario';
import { configAddress } from './config.ts';

scenario('one latch for all vCPUs', async ({ guest, deviceModel }) => {
  await deviceModel.attachConstant({ server: 'one', value: 0x1111_1111 });
  await deviceModel.attachConstant({ server: 'other', value: 0x2222_2222 });
  await deviceModel.mapRanges('one', pciFunction('00:1d.0'));
  await deviceModel.mapRanges('other', pciFunction('00:1e.0'));
  const [one, other] = [configAddress({ device: 0x1d }), configAddress({ device: 0x1e }, 0x10)];
  const [first, second] = [new ProgramBuilder(), new ProgramBuilder()];
  first.out(0xcf8, 4, one).barrier().barrier().in(0xcfc, 4).barrier().out(0xcf8, 4, one).barrier();
  second.barrier().in(0xcfc, 4).out(0xcf8, 4, other).barrier().barrier().barrier().in(0xcfe, 2).out(0xcfe, 2, 7);
  const seen = await guest.runAll([first.build(), second.build()]);
  const values = seen.map(({ results }) => results.filter(({ op }) => op === 'in').map(({ value }) => value));
  expect(values).toEqual([[0x2222_2222], [0x1111_1111, 0x1111]]);
  await expect(seen).toMatchOracle();
});
