/**
 * # Background
 * Writes in the ring and requests in a vCPU's slot are two ways to one server; what a vCPU has written before it asks must be
 * handled before it is answered, whatever it asks for: memory, a port, a configuration cycle, a batch. Xen's part is that the
 * entry is in the ring, and the pointer moved, before the request is READY; the device model's that it looks at the ring
 * first.
 *
 * # Method
 * Buffered writes alternate with every kind of synchronous request to the same server, on one vCPU; then all vCPUs write, each to
 * a place of its own, and read it back.
 *
 * # A broken Xen
 * would publish the entry after the request: a read would give the value of before.
 */
import { expect, pciFunction, ports, ProgramBuilder, readTrace, scenario } from 'ioreqlab/scenario';
import window from '../memory/window.device.ts';

const vga = 0xa0000;
const port = 0x7f00;
const rounds = 25;

scenario('first what was written', { environments: ['hvm'] }, async ({ guest, deviceModel }) => {
  for (const buffered of ['atomic', 'legacy'] as const) {
    await deviceModel.createServer(buffered, { buffered });
    await deviceModel.attach(window, { server: buffered, at: { page: vga } });
    // Nobody answers these but with all ones; what counts is where they stand.
    await deviceModel.mapRanges(buffered, ports(port, port + 3), pciFunction('00:1f.7'));
    const seen = await guest.run((program) => {
      program.out(0xcf8, 4, 0x8000_ff00);
      for (let i = 0; i < rounds; i++) {
        program.store(vga + 8, 4, i).in(port, 4);
        program.store(vga + 12, 2, i).in(0xcfc, 4);
        program.store(vga + 16, 8, i).out(port, 4, i);
        program.store(vga + 24, 1, i).load(vga + 8, 4);
        program.store(vga + 8, 4, i + 0x100).repStos({ size: 4, destination: vga + 0x100, value: i, count: 3 });
        program.load(vga + 0x108, 4).load(vga + 8, 4);
      }
      return program;
    });
    const loads = seen.results.filter(({ op }) => op === 'load').map(({ value }) => value);
    expect(loads).toEqual(Array.from({ length: rounds }, (_, i) => [i, i, i + 0x100]).flat());
    await expect(seen).toMatchOracle();
    const programs = Array.from({ length: guest.vcpus }, (_, vcpu) => {
      const program = new ProgramBuilder().barrier();
      const own = vga + 0x800 + 0x20 * vcpu;
      for (let i = 0; i < rounds; i++) program.store(own, 4, 0x100 * vcpu + i).load(own, 4);
      return program.build();
    });
    const all = await guest.runAll(programs);
    await expect(all).toMatchOracle();
    for (const [vcpu, { results }] of all.entries()) {
      const own = results.filter(({ op }) => op === 'load').map(({ value }) => value);
      expect(own).toEqual(Array.from({ length: rounds }, (_, i) => 0x100 * vcpu + i));
    }
    const records = readTrace((await deviceModel.closeServer(buffered)).trace);
    // In the trace they stand as one program has them.
    const first = records.slice(0, 12 * rounds);
    expect(first.map(({ isBuffered }) => isBuffered)).toEqual(
      Array.from({ length: 12 * rounds }, (_, i) => i % 12 < 9 && i % 2 === 0),
    );
  }
});
