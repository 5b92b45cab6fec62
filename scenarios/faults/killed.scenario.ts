/**
 * # Background
 * A server outlives its process (ioreq_server_destroy in xen/common/ioreq.c is called for the domain, not for a file that is
 * closed), and the vCPU of a request that the process had in hand waits.
 *
 * # Method
 * A device model is killed in each phase of a request: before it has looked at it, while it works on it, and between the
 * answer and its notification. Its successor closes what it finds: the guest must go on each time, with all ones or, where
 * there was an answer, with that.
 *
 * # A broken Xen
 * would not let a second process at the page or the channels, or crash the guest for a state that goes backwards.
 */
import { expect, scenario } from 'ioreqlab/scenario';
import { oracle, port, ranges } from './faulty.ts';

scenario(
  'killed in each phase of a request',
  { oracle, environments: ['pvh'], timeoutMs: 240_000 },
  async ({ guest, deviceModel }) => {
    await deviceModel.survive();
    const phases = [
      [[{ do: 'die' }], 0xffff_ffff],
      [[{ do: 'state', state: 2 }, { do: 'die' }], 0xffff_ffff],
      [[{ do: 'answer', data: 0x600d }, { do: 'die' }], 0x600d],
    ] as const;
    for (const [script, expected] of phases) {
      const steps = script.map((step) => (step.do === 'answer' ? { ...step, data: BigInt(step.data) } : step));
      await deviceModel.misbehave({ ranges, scripts: [steps] });
      const seen = await guest.run((program) => program.in(port, 4));
      expect(seen.results[0]?.value).toBe(expected);
    }
    expect(deviceModel.replacements).toBe(phases.length);
  },
);
