/**
 * # Background
 * As in vp-eport.scenario.ts, but for a port, whose accesses cannot be given up: handle_pio crashes the domain.
 *
 * # Method
 * vp_eport of an idle slot is changed; then the guest writes to a port.
 *
 * # A broken Xen
 * would notify the channel that the device model chose.
 */
import { scenario } from 'ioreqlab/scenario';
import { expectCrash, oracle, port, ranges } from './faulty.ts';

scenario(
  'a changed channel ends a guest that uses a port',
  { oracle, environments: ['pvh'], harms: 'guest' },
  async ({ guest, deviceModel, xenLog }) => {
    await deviceModel.misbehave({ ranges, scripts: [] });
    await deviceModel.makeFaults(0, [{ do: 'field', field: 'vpEport', value: 1n << 31n }]);
    await expectCrash(guest, xenLog, async () => await guest.run((program) => program.out(port, 4, 5)), [
      new RegExp(`d${guest.domid}v0 device model set bad event channel`),
      new RegExp(`d${guest.domid}v0 Unexpected PIO status \\d+, port 0x5400 write`),
    ]);
  },
);
