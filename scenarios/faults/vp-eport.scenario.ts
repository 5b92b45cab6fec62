/**
 * # Background
 * A slot tells its device model which channel is the vCPU's (vp_eport). Xen goes by its own record, and refuses to send where
 * the slot says something else: "device model set bad event channel" (ioreq_send in xen/common/ioreq.c), a #GP for
 * memory, the end of the domain for a port.
 *
 * # Method
 * vp_eport is changed with a request in flight: the answer must still arrive. The next load gets a #GP, and a new server
 * works.
 *
 * # A broken Xen
 * would notify a channel that the device model chose: another domain's, or Xen's own.
 */
import { expect, scenario } from 'ioreqlab/scenario';
import { answered, oracle, page, ranges, usual } from './faulty.ts';

scenario('a device model does not choose the channel', { oracle }, async ({ guest, deviceModel, xenLog }) => {
  const script = [{ do: 'field', field: 'vpEport', value: 0x7fff_fffen }, ...answered(0xe0n)] as const;
  await deviceModel.misbehave({ ranges, scripts: [script] });
  const seen = await guest.run((program) => program.load(page, 4).load(page, 4));
  expect(seen.results.map(({ value, fault }) => fault?.name ?? value)).toEqual([0xe0, '#GP']);
  expect(await xenLog()).toMatch(new RegExp(`d${guest.domid}v0 device model set bad event channel 2147483646`));
  await deviceModel.misbehave({ ranges, scripts: [] });
  const anew = await guest.run((program) => program.load(page, 4));
  expect(anew.results[0]?.value).toBe(usual);
});
