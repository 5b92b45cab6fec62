/**
 * # Background
 * Enabling and disabling pause the domain for a moment (hvm_set_ioreq_server_state pauses it); vCPUs that wait in other servers,
 * or in this one, find their way.
 *
 * # Method
 * All vCPUs read a port and memory without a pause while the server is disabled and enabled; a second server owns the same below it.
 * Every value must be one of the two's, never all ones, and each server must have answered as often as its value was seen.
 *
 * # A broken Xen
 * would lose a vCPU, complete an access twice, or ask nobody in between.
 */
import { expect, HOLE_BELOW_4G, memory, ports, ProgramBuilder, scenario } from 'ioreqlab/scenario';

const port = 0x6f20;
const hole = Number(HOLE_BELOW_4G.start) + 0xc_0000;
const reads = 40;

scenario(
  'enabled and disabled under load',
  { oracle: 'off because servers are disabled in the middle of a program' },
  async ({ guest, deviceModel }) => {
    const values = { below: 0x1111_1111, above: 0x2222_2222 };
    for (const [server, value] of Object.entries(values)) {
      await deviceModel.attachConstant({ server, value });
      await deviceModel.mapRanges(server, ports(port, port + 3), memory(hole, hole + 3));
    }
    const program = new ProgramBuilder();
    for (let i = 0; i < reads; i++) program.in(port, 4).load(hole, 4);
    const built = program.build();
    const running = guest.runAll(Array.from({ length: guest.vcpus }, () => built));
    for (let i = 0; i < 5; i++) {
      await deviceModel.setEnabled('above', false);
      await deviceModel.setEnabled('above', true);
    }
    const seen = (await running).flatMap(({ results }) => results.map(({ value }) => value));
    expect(seen).toHaveLength(guest.vcpus * reads * 2);
    for (const [server, value] of Object.entries(values)) {
      expect(await deviceModel.trace(server)).toHaveLength(seen.filter((one) => one === value).length);
    }
    expect(seen.filter((value) => value !== values.below && value !== values.above)).toEqual([]);
  },
);
