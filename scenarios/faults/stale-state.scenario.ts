/**
 * # Background
 * Xen sends a request only into a slot that is NONE: otherwise it says "device model set bad IO state" and gives the access
 * up (ioreq_send in xen/common/ioreq.c, hvm_send_ioreq in 4.14). For memory that is a #GP in the guest
 * (X86EMUL_UNHANDLEABLE), for a port the end of the domain: see stale-state-port.scenario.ts.
 *
 * # Method
 * An idle slot is left in each state that is not NONE, valid or not, and the guest reads memory of the server; then the
 * slot is NONE again, and so is everything.
 *
 * # A broken Xen
 * would overwrite the slot, take the old answer, or crash.
 */
import { expect, scenario } from 'ioreqlab/scenario';
import { oracle, page, ranges, usual } from './faulty.ts';

scenario('a slot that is not empty gets no request', { oracle }, async ({ guest, deviceModel, xenLog }) => {
  await deviceModel.misbehave({ ranges, scripts: [] });
  const states = [2, 3, 15];
  for (const state of states) {
    await deviceModel.makeFaults(0, [{ do: 'state', state }, { do: 'notify' }]);
    const seen = await guest.run((program) => program.load(page, 4));
    expect(seen.results[0]?.fault?.name).toBe('#GP');
    await deviceModel.makeFaults(0, [{ do: 'look' }, { do: 'state', state: 0 }]);
  }
  const after = await guest.run((program) => program.load(page, 4));
  expect(after.results.map(({ value, fault }) => fault?.name ?? value)).toEqual([usual]);
  const looked = (await deviceModel.takeFaults()).flatMap((seen) => seen.states);
  expect(looked).toEqual(states);
  const log = await xenLog();
  for (const state of states) {
    expect(log).toMatch(new RegExp(`d${guest.domid}v0 device model set bad IO state ${state}\\b`));
  }
});
