/**
 * # Background
 * Each vCPU has a slot and an event channel of its own, so each can have a thread of its own that serves it: requests of
 * several vCPUs are then handled at the same time.
 *
 * # Method
 * Four vCPUs read one counter again and again, which the four instances of the device share: every number must be given to
 * exactly one of them, and to each in rising order. The server's trace must hold all of them, in the order of taking.
 *
 * # A broken Xen
 * would raise the wrong vCPU's channel: its thread would sleep while another finds nothing.
 */
import { expect, ProgramBuilder, readTrace, scenario } from 'ioreqlab/scenario';
import counter from './shared-counter.device.ts';

const vcpus = 4;
const reads = 100;
const port = 0x5200;

scenario('a worker for each of four vCPUs', async ({ guest, deviceModel }) => {
  for (const mode of ['block', 'adaptive'] as const) {
    const waiting = mode === 'block' ? { mode } : { mode, cycles: 200_000 };
    await deviceModel.createServer('main', { workers: 'perVcpu', waiting });
    await deviceModel.attach(counter, { at: { next: port } });
    const programs = Array.from({ length: vcpus }, () => {
      const program = new ProgramBuilder().barrier();
      for (let i = 0; i < reads; i++) program.in(port, 4);
      return program.build();
    });
    const seen = await guest.runAll(programs);
    const numbers = seen.map(({ results }) => results.slice(1).map(({ value }) => value));
    expect(numbers.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: vcpus * reads }, (_, i) => i));
    for (const own of numbers) expect(own).toEqual([...own].sort((a, b) => a - b));

    const { trace, counters } = await deviceModel.closeServer();
    const records = readTrace(trace);
    expect(records.map(({ sequence }) => sequence)).toEqual(Array.from({ length: vcpus * reads }, (_, i) => i));
    for (let vcpu = 0; vcpu < vcpus; vcpu++) {
      const own = records.filter((record) => record.vcpu === vcpu).map(({ answer }) => Number(answer));
      expect(own).toEqual(numbers[vcpu]);
    }
    expect(counters).toMatchObject({ unclaimed: 0, malformed: 0 });
  }
});
