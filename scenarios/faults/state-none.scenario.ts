/**
 * # Background
 * A slot that is NONE while its request is pending means to Xen that the device model is dying: the access completes with all
 * ones (wait_for_io in xen/common/ioreq.c, hvm_wait_for_io in xen/arch/x86/hvm/ioreq.c of 4.14).
 *
 * # Method
 * READY and INPROCESS are made NONE, with other data in the slot, and the vCPU is told.
 *
 * # A broken Xen
 * would take the data, wait for ever, or take the step back for an error.
 */
import { expect, scenario, type FaultStep } from 'ioreqlab/scenario';
import { oracle, page, port, ranges, usual } from './faulty.ts';

scenario('a request that is withdrawn reads all ones', { oracle }, async ({ guest, deviceModel }) => {
  const data = { do: 'field', field: 'data', value: 0x1234n } as const;
  const withdrawn: FaultStep[] = [data, { do: 'state', state: 0 }, { do: 'notify' }];
  const later: FaultStep[] = [{ do: 'state', state: 2 }, { do: 'notify' }, { do: 'wait', ms: 5 }, ...withdrawn];
  await deviceModel.misbehave({ ranges, scripts: [withdrawn, later, withdrawn, later] });
  const seen = await guest.run((program) => program.in(port, 4).in(port, 2).load(page, 4).load(page, 8).in(port, 4));
  expect(seen.results.map(({ value }) => value)).toEqual([0xffff_ffff, 0xffff, 0xffff_ffff, 0xffff_ffff, usual]);
  expect(seen.results[3]?.rax).toBe(0xffff_ffff_ffff_ffffn);
});
