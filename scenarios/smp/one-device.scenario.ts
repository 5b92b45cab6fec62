/**
 * # Background
 * Requests of several vCPUs to one device wait beside each other in the server's page, one slot each, and each is answered
 * for itself; in which order, nobody says.
 *
 * # Method
 * All vCPUs write their own byte, word and double word of one page of memory and read all of it back, every width, as
 * fast as they can; in between a port of the same server gives each number once.
 *
 * # A broken Xen
 * would mix slots up: a vCPU would read what it did not write, or a number would be given twice or not at all.
 */
import { expect, HOLE_BELOW_4G, ProgramBuilder, scenario } from 'ioreqlab/scenario';
import window from '../memory/window.device.ts';
import counter from './counter.device.ts';

const rounds = 12;
const page = Number(HOLE_BELOW_4G.start) + 0x8_0000;
const port = 0x5b00;

scenario('all vCPUs on one page of registers', async ({ guest, deviceModel }) => {
  await deviceModel.attach(window, { at: { page } });
  await deviceModel.attach(counter, { at: { next: port } });
  const { vcpus } = guest;
  const programs = Array.from({ length: vcpus }, (_, vcpu) => {
    const program = new ProgramBuilder().barrier();
    for (let round = 0; round < rounds; round++) {
      const value = 0x30 * (vcpu + 1) + round;
      program.store(page + vcpu, 1, value).load(page + vcpu, 1);
      program.in(port, 4);
      program.store(page + 0x100 + 2 * vcpu, 2, value * 3).load(page + 0x100 + 2 * vcpu, 2);
      program.store(page + 0x200 + 8 * vcpu, 8, value * 7).load(page + 0x200 + 8 * vcpu, 8);
    }
    return program.build();
  });
  const seen = await guest.runAll(programs);
  const numbers = seen.map(({ results }) => results.filter(({ op }) => op === 'in').map(({ value }) => value));
  expect(numbers.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: vcpus * rounds }, (_, i) => i));
  for (const [vcpu, { results }] of seen.entries()) {
    const loads = results.filter(({ op }) => op === 'load').map(({ value }) => value);
    const expected = Array.from({ length: rounds }, (_, round) => {
      const value = 0x30 * (vcpu + 1) + round;
      return [value & 0xff, value * 3, value * 7];
    });
    expect(loads).toEqual(expected.flat());
  }
  await expect(seen).toMatchOracle();
});
