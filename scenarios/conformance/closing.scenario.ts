/**
 * # Background
 * A server can end while the guest uses it. The library disables it, answers what is open with all ones, and destroys it;
 * Xen completes what comes later by itself (null_handler in hvm/emulate.c).
 *
 * # Method
 * Four vCPUs read a server's register without a pause while it is closed and made anew, three times; every value must be
 * one that some incarnation gave or all ones, and no vCPU may be lost.
 *
 * # A broken Xen
 * or a broken library would leave a vCPU waiting for ever, or give a value that nobody has given.
 */
import { expect, ProgramBuilder, readTrace, scenario } from 'ioreqlab/scenario';
import scratch from '../port-io/scratch.device.ts';

const vcpus = 4;
const reads = 150;

scenario(
  'a server that ends under load leaves no vCPU waiting',
  { oracle: 'off because a server goes while programs run' },
  async ({ guest, deviceModel }) => {
    const values = [0x1111, 0x2222, 0x3333];
    const program = new ProgramBuilder();
    for (let i = 0; i < reads; i++) program.in(0x5000, 4);
    const built = program.build();
    for (const initial of values) {
      await deviceModel.attach(scratch, { at: { register: 0x5000 }, options: { initial } });
      const running = guest.runAll(Array.from({ length: vcpus }, () => built));
      const { trace } = await deviceModel.closeServer();
      const seen = (await running).flatMap(({ results }) => results.map(({ value }) => value));
      expect(seen).toHaveLength(vcpus * reads);
      expect(new Set([initial, 0xffffffff, ...seen])).toEqual(new Set([initial, 0xffffffff]));
      // What was answered by a handler is what the guest got from it.
      const answered = readTrace(trace).filter(({ origin }) => origin === 'handler');
      expect(seen.filter((value) => value === initial)).toHaveLength(answered.length);
    }
    const after = await guest.run((program) => program.in(0x5000, 4));
    expect(after.results[0]?.value).toBe(0xffffffff);
  },
);
