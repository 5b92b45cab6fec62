/**
 * # Background
 * Xen ties an ioreq server to the domain, not to the process that serves it (ioreq_server_destroy in xen/common/ioreq.c):
 * when the process dies, the server stays, enabled, with its ranges, and the vCPU whose request it had in hand waits in
 * wait_for_io() without a time limit. Another process of the same domain may map the page and bind the channels again.
 *
 * # Method
 * A device kills its process in the middle of a read. The process that comes after it has to answer that very read, and
 * all of the program that follows, on two servers and on all vCPUs.
 *
 * # A broken Xen
 * would refuse the page or the channels to the second process, crash the guest for a slot that was INPROCESS before, or
 * never wake the vCPU.
 */
import { expect, ProgramBuilder, scenario, SCRATCH } from 'ioreqlab/scenario';
import mortal from './mortal.device.ts';

const remember = Number(SCRATCH.start);
const reads = 20;

scenario(
  'a request outlives its device model',
  { timeoutMs: 240_000, oracle: 'off because the trace of who dies is lost' },
  async ({ guest, deviceModel }) => {
    await deviceModel.survive();
    await guest.writeMemory(remember, new Uint8Array(4));
    const options = { remember, value: 0x1234_5678 };
    await deviceModel.attach(mortal, { at: { register: 0x5000 }, options, server: 'one' });
    await deviceModel.attach(mortal, { at: { register: 0x5010 }, options, server: 'other' });
    const programs = Array.from({ length: guest.vcpus }, () => {
      const program = new ProgramBuilder().barrier();
      for (let i = 0; i < reads; i++) program.in(i % 2 === 0 ? 0x5000 : 0x5010, 4);
      return program.build();
    });
    const seen = await guest.runAll(programs);
    for (const { results } of seen) {
      expect(results.slice(1).map(({ value }) => value)).toEqual(Array.from({ length: reads }, () => 0x1234_5678));
    }
    expect(deviceModel.replacements).toBe(1);
  },
);
