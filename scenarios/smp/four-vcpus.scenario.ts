/**
 * # Background
 * Each vCPU has a slot of its own in the ioreq page and an event channel of its own: requests of several vCPUs wait at
 * the same time, and each is answered for itself.
 *
 * # Method
 * Four vCPUs, started together by a barrier, read one counter again and again: every number must be given to exactly one
 * of them, and to each in rising order; and each reads back its own register in between.
 *
 * # A broken Xen
 * would give an answer to the wrong vCPU, lose one, or deliver one twice.
 */
import { expect, ProgramBuilder, scenario } from 'ioreqlab/scenario';
import scratch from '../port-io/scratch.device.ts';
import counter from './counter.device.ts';

const vcpus = 4;
const reads = 100;

scenario('four vCPUs at once', async ({ guest, deviceModel }) => {
  await deviceModel.attach(counter, { at: { next: 0x5200 } });
  const registers = Array.from({ length: vcpus }, (_, vcpu) => 0x5210 + 4 * vcpu);
  for (const register of registers) await deviceModel.attach(scratch, { at: { register } });

  const programs = registers.map((register, vcpu) => {
    const program = new ProgramBuilder().barrier();
    for (let i = 0; i < reads; i++) {
      program
        .in(0x5200, 4)
        .out(register, 4, vcpu * 0x10000 + i)
        .in(register, 4);
    }
    return program.build();
  });
  const seen = await guest.runAll(programs);

  const numbers = seen.map(({ results }) =>
    results.filter((_, i) => i >= 1 && (i - 1) % 3 === 0).map(({ value }) => value),
  );
  expect(numbers.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: vcpus * reads }, (_, i) => i));
  for (const own of numbers) expect(own).toEqual([...own].sort((a, b) => a - b));
  seen.forEach(({ results }, vcpu) => {
    const back = results.filter((_, i) => i >= 1 && (i - 1) % 3 === 2).map(({ value }) => value);
    expect(back).toEqual(Array.from({ length: reads }, (_, i) => vcpu * 0x10000 + i));
  });
});
