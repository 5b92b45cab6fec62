/**
 * # Background
 * A vCPU waits in one server at a time, and servers do not know of each other: as many vCPUs as there are can wait in as many
 * servers, in any order (ioreq_send and wait_for_io in xen/common/ioreq.c go by vCPU and server).
 *
 * # Method
 * Each vCPU has a server of its own, and all use the next one's too, in rounds that begin together. Every server must have
 * seen each vCPU as often, with its number.
 *
 * # A broken Xen
 * would answer the wrong vCPU, or let a server wait for a vCPU that waits elsewhere.
 */
import { expect, memory, HOLE_BELOW_4G, ports, ProgramBuilder, scenario } from 'ioreqlab/scenario';

const rounds = 10;
const portOf = (server: number): number => 0x5a00 + 0x10 * server;
const pageOf = (server: number): number => Number(HOLE_BELOW_4G.start) + 0x1_0000 * (server + 1);

scenario('each vCPU in a server of its own', async ({ guest, deviceModel }) => {
  const { vcpus } = guest;
  for (let server = 0; server < vcpus; server++) {
    await deviceModel.attachConstant({ server: `s${server}`, value: 0x1010 * (server + 1) });
    const page = pageOf(server);
    await deviceModel.mapRanges(`s${server}`, ports(portOf(server), portOf(server) + 3), memory(page, page + 0xfff));
  }
  const programs = Array.from({ length: vcpus }, (_, vcpu) => {
    const program = new ProgramBuilder();
    for (let round = 0; round < rounds; round++) {
      const [own, next] = [vcpu, (vcpu + 1) % vcpus];
      program
        .barrier()
        .in(portOf(own), 4)
        .load(pageOf(own) + 8 * vcpu, 8);
      program
        .barrier()
        .store(pageOf(next) + 8 * vcpu, 4, round)
        .in(portOf(next), 2);
    }
    return program.build();
  });
  const seen = await guest.runAll(programs);
  for (const [vcpu, { results }] of seen.entries()) {
    const values = results.filter(({ op }) => op === 'in' || op === 'load').map(({ value }) => value);
    const [own, next] = [0x1010 * (vcpu + 1), 0x1010 * (((vcpu + 1) % vcpus) + 1)];
    expect(values).toEqual(Array.from({ length: rounds }, () => [own, own, next]).flat());
  }
  await expect(seen).toMatchOracle();
  for (let server = 0; server < vcpus; server++) {
    const byVcpu = (await deviceModel.trace(`s${server}`)).map(({ vcpu }) => vcpu);
    const expected = Array.from({ length: vcpus }, (_, vcpu) =>
      vcpu === server || (vcpu + 1) % vcpus === server ? 2 * rounds : 0,
    );
    expect(expected.map((_, vcpu) => byVcpu.filter((one) => one === vcpu).length)).toEqual(expected);
  }
});
