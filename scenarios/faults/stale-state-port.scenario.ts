/**
 * # Background
 * As in stale-state.scenario.ts, but for a port: handle_pio (xen/arch/x86/hvm/io.c) knows no access that is given up, says
 * "Unexpected PIO status" and crashes the domain.
 *
 * # Method
 * An answer is written into an idle slot: a second answer that comes late. Then the guest reads a port.
 *
 * # A broken Xen
 * would take the late answer for that of the new request.
 */
import { scenario } from 'ioreqlab/scenario';
import { expectCrash, oracle, port, ranges } from './faulty.ts';

scenario(
  'a late answer in an idle slot ends the guest',
  { oracle, environments: ['pvh'], harms: 'guest' },
  async ({ guest, deviceModel, xenLog }) => {
    await deviceModel.misbehave({ ranges, scripts: [] });
    await deviceModel.makeFaults(0, [{ do: 'answer', data: 0x1234n }, { do: 'notify' }]);
    await expectCrash(guest, xenLog, async () => await guest.run((program) => program.in(port, 4)), [
      new RegExp(`d${guest.domid}v0 device model set bad IO state 3`),
      new RegExp(`d${guest.domid}v0 Unexpected PIO status \\d+, port 0x5400 read`),
    ]);
  },
);
