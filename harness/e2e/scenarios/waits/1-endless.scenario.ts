/**
 * For tests of runs: says on stderr that the guest runs, which then never comes to the end of its program. What becomes of
 * it is up to the test.
 */
import { scenario } from 'ioreqlab/scenario';
import register from '../basics/register.device.ts';

/** PAUSE; JMP to it. At PAUSE an emulated host lets its other processor go on. */
const forEver = Uint8Array.of(0xf3, 0x90, 0xeb, 0xfc);

scenario(
  'a guest that is busy',
  { environments: ['pvh'], timeoutMs: 600_000 },
  async ({ guest, deviceModel, signal }) => {
    await deviceModel.attach(register, { at: { register: 0x5000 } });
    const running = guest.run((program) => program.in(0x5000, 4).raw(forEver), signal);
    process.stderr.write('e2e: the guest runs\n');
    await running;
  },
);
