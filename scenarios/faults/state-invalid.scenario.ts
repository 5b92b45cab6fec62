/**
 * # Background
 * The state has four bits, of which four values mean something: all others are "Weird HVM iorequest state", for which Xen
 * crashes the domain (wait_for_io in xen/common/ioreq.c).
 *
 * # Method
 * A request in flight gets the state 9.
 *
 * # A broken Xen
 * would take it for an answer, or wait for ever.
 */
import { scenario } from 'ioreqlab/scenario';
import { crashedInIoreq, expectCrash, oracle, page, ranges } from './faulty.ts';

scenario(
  'a state that does not exist ends the guest',
  { oracle, environments: ['pvh'], harms: 'guest' },
  async ({ guest, deviceModel, xenLog }) => {
    await deviceModel.misbehave({ ranges, scripts: [[{ do: 'state', state: 9 }, { do: 'notify' }]] });
    await expectCrash(guest, xenLog, async () => await guest.run((program) => program.load(page, 4)), [crashedInIoreq]);
  },
);
