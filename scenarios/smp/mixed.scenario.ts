/**
 * # Background
 * What one vCPU waits for holds up no other: a batch of REP that a device takes long for, a write that nobody owns and a read
 * of a local APIC go on beside each other, each by its own way through Xen.
 *
 * # Method
 * vCPU 0 moves batches between RAM and a device, vCPU 1 reads and writes a port, vCPU 2 what nobody owns, vCPU 3 only RAM; all
 * at once, then with the parts moved on by one, until each has had each.
 *
 * # A broken Xen
 * would take one vCPU's batch for another's, or complete an access of nobody with an answer that was on its way to somebody.
 */
import { expect, HOLE_ABOVE_4G, HOLE_BELOW_4G, ProgramBuilder, scenario, SCRATCH } from 'ioreqlab/scenario';
import window from '../memory/window.device.ts';
import scratch from '../port-io/scratch.device.ts';

const page = Number(HOLE_BELOW_4G.start) + 0xa_0000;
const rounds = 8;

type Part = (program: ProgramBuilder, vcpu: number) => ProgramBuilder;

const ramOf = (vcpu: number): bigint => SCRATCH.start + 0x1_0000n * BigInt(vcpu + 1);

const parts: readonly Part[] = [
  (program, vcpu) => {
    const ram = ramOf(vcpu);
    program.fill(ram, 0x80, 0x21 + vcpu);
    program.repMovs({ size: 4, source: ram, destination: page + 0x100 * vcpu, count: 0x20 });
    return program
      .repMovs({ size: 8, source: page + 0x100 * vcpu, destination: ram + 0x100n, count: 0x10 })
      .read(ram + 0x100n, 0x80);
  },
  (program, vcpu) => program.out(0x5c00 + 4 * vcpu, 4, 0x1000 + vcpu).in(0x5c00 + 4 * vcpu, 4),
  (program) => program.store(HOLE_ABOVE_4G.start, 8, 0).load(HOLE_ABOVE_4G.start, 8).in(0x5cf0, 2),
  (program, vcpu) => program.fill(ramOf(vcpu) + 0x800n, 0x400, vcpu).load(ramOf(vcpu) + 0x800n, 8),
];

scenario('vCPUs that do different things', async ({ guest, deviceModel }) => {
  await deviceModel.attach(window, { server: 'memory', at: { page } });
  const { vcpus } = guest;
  for (let vcpu = 0; vcpu < vcpus; vcpu++) {
    await deviceModel.attach(scratch, { server: 'ports', at: { register: 0x5c00 + 4 * vcpu } });
  }
  for (let turn = 0; turn < parts.length; turn++) {
    const programs = Array.from({ length: vcpus }, (_, vcpu) => {
      const program = new ProgramBuilder().barrier();
      for (let round = 0; round < rounds; round++) (parts[(vcpu + turn) % parts.length] as Part)(program, vcpu);
      return program.build();
    });
    const seen = await guest.runAll(programs);
    for (const [vcpu, { results }] of seen.entries()) {
      const part = (vcpu + turn) % parts.length;
      const values = results.filter(({ op }) => op === 'in' || op === 'load').map(({ value }) => value);
      const bytes = results.filter(({ op }) => op === 'read').map((result) => result.bytes);
      if (part === 0) expect(bytes).toEqual(bytes.map(() => new Uint8Array(0x80).fill(0x21 + vcpu)));
      const each = [[], [0x1000 + vcpu], [0xffff_ffff, 0xffff], [0x0101_0101 * vcpu]][part] ?? [];
      expect(values).toEqual(Array.from({ length: rounds }, () => each).flat());
    }
    await expect(seen).toMatchOracle();
  }
});
