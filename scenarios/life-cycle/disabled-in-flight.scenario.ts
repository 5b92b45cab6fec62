/**
 * # Background
 * A request that was sent stays with its server: disabling it changes nothing for a vCPU that waits, as long as the page is a
 * resource and no frame of the guest (ioreq_server_disable; wait_for_io goes by what is pending). The answer counts.
 *
 * # Method
 * Two vCPUs access a device that takes its time; while they wait dom0 disables the server. Both must get the device's
 * answers; what they ask for next is nobody's. Enabled again, the device goes on counting.
 *
 * # A broken Xen
 * would complete what waits with all ones, or leave the vCPU waiting for ever.
 */
import { expect, scenario } from 'ioreqlab/scenario';
import slow from './slow.device.ts';

const register = 0x6f10;

scenario(
  'disabled while vCPUs wait',
  { oracle: 'off because the server is disabled in the middle of a program' },
  async ({ guest, deviceModel }) => {
    await deviceModel.attach(slow, { at: { register }, options: { ms: 250 } });
    const waiting = guest.runAll([
      (program) => program.in(register, 4).in(register, 4),
      (program) => program.in(register, 4).in(register, 4),
    ]);
    // Until the first of the two is in the handler's hands, the other one waits behind it.
    await new Promise((resolve) => setTimeout(resolve, 50));
    await deviceModel.setEnabled('main', false);
    const values = (await waiting).map(({ results }) => results.map(({ value }) => value));
    const answered = values.flat().filter((value) => value !== 0xffff_ffff);
    // Those that were sent before are answered, each once; those after are not sent.
    expect(answered.sort((a, b) => a - b)).toEqual(answered.map((_, i) => i + 1));
    expect(answered.length).toBeLessThan(4);
    for (const [first, second] of values) expect(first === 0xffff_ffff && second !== 0xffff_ffff).toBe(false);
    await deviceModel.setEnabled('main', true);
    const after = await guest.run((program) => program.in(register, 4));
    expect(after.results[0]?.value).toBe(answered.length + 1);
    expect(await deviceModel.trace()).toHaveLength(answered.length + 1);
  },
);
