/**
 * # Background
 * Each vCPU has a slot and an event channel of its own in each server: vCPUs wait beside each other, and each gets its own
 * answer.
 *
 * # Method
 * Four vCPUs at once use two servers, ports and memory; each request must carry the number of its vCPU, and the requests
 * of a vCPU must come in its order.
 *
 * # A broken Xen
 * or a broken library would answer another vCPU, or change the order.
 */
import { expect, HOLE_BELOW_4G, ProgramBuilder, readTrace, scenario } from 'ioreqlab/scenario';
import window from '../memory/window.device.ts';
import scratch from '../port-io/scratch.device.ts';

const vcpus = 4;
const turns = 20;

scenario('every vCPU is served for itself', async ({ guest, deviceModel }) => {
  const page = Number(HOLE_BELOW_4G.start);
  await deviceModel.attach(window, { server: 'memory', at: { page } });
  for (let vcpu = 0; vcpu < vcpus; vcpu++) {
    await deviceModel.attach(scratch, { server: 'ports', at: { register: 0x5000 + 4 * vcpu } });
  }
  const programs = Array.from({ length: vcpus }, (_, vcpu) => {
    const program = new ProgramBuilder().barrier();
    for (let i = 0; i < turns; i++) {
      program.out(0x5000 + 4 * vcpu, 4, vcpu * 1000 + i).store(page + 8 * vcpu, 4, vcpu * 1000 + i);
      program.in(0x5000 + 4 * vcpu, 4).load(page + 8 * vcpu, 4);
    }
    return program.build();
  });
  const seen = await guest.runAll(programs);
  seen.forEach(({ results }, vcpu) => {
    const back = results.filter(({ op }) => op === 'in' || op === 'load').map(({ value }) => value);
    expect(back).toEqual(Array.from({ length: turns }, (_, i) => [vcpu * 1000 + i, vcpu * 1000 + i]).flat());
  });
  for (const server of ['ports', 'memory']) {
    const records = readTrace((await deviceModel.closeServer(server)).trace);
    expect(records).toHaveLength(2 * turns * vcpus);
    expect(records.map(({ sequence }) => sequence)).toEqual(records.map((_, i) => i));
    for (let vcpu = 0; vcpu < vcpus; vcpu++) {
      const own = records.filter((record) => record.vcpu === vcpu && !record.isRead);
      expect(own.map(({ data }) => Number(data))).toEqual(Array.from({ length: turns }, (_, i) => vcpu * 1000 + i));
    }
  }
});
