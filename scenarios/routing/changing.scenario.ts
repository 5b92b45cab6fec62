/**
 * # Background
 * Ranges can change while the server is enabled and vCPUs use them; Xen pauses nobody for it. An access that was sent is
 * answered whatever becomes of the range; the next one is looked up anew.
 *
 * # Method
 * Four vCPUs read a port and memory without a pause while both are taken away and given back; every value must be the
 * server's or all ones, each vCPU must come to its end, and what the server answered must be what vCPUs got from it.
 *
 * # A broken Xen
 * would lose a vCPU whose range has gone, or give a value that nobody has given.
 */
import { expect, HOLE_BELOW_4G, memory, ports, ProgramBuilder, readTrace, scenario } from 'ioreqlab/scenario';

const port = 0x5900;
const hole = Number(HOLE_BELOW_4G.start) + 0x3000;
const value = 0x0b0b_0b0b;
const reads = 60;

scenario(
  'ranges change under load',
  { oracle: 'off because ranges change in the middle of a program' },
  async ({ guest, deviceModel }) => {
    await deviceModel.attachConstant({ server: 'main', value });
    const ranges = [ports(port, port + 3), memory(hole, hole + 7)];
    await deviceModel.mapRanges('main', ...ranges);
    const program = new ProgramBuilder();
    for (let i = 0; i < reads; i++) program.in(port, 4).load(hole, 4);
    const built = program.build();
    const running = guest.runAll(Array.from({ length: guest.vcpus }, () => built));
    for (let i = 0; i < 6; i++) {
      await deviceModel.unmapRanges('main', ...ranges);
      await deviceModel.mapRanges('main', ...ranges);
    }
    const seen = (await running).flatMap(({ results }) => results.map((result) => result.value));
    expect(seen).toHaveLength(guest.vcpus * reads * 2);
    expect(new Set([value, 0xffff_ffff, ...seen])).toEqual(new Set([value, 0xffff_ffff]));
    // The last change was to give it back.
    const after = await guest.run((one) => one.in(port, 4).load(hole, 4));
    expect(after.results.map((result) => result.value)).toEqual([value, value]);
    // A vCPU that had still to tell of frames that went in an earlier scenario may have done it here: type 8.
    const trace = readTrace((await deviceModel.closeServer()).trace);
    const answered = trace.filter(({ origin, type }) => origin === 'handler' && type !== 8);
    expect(answered).toHaveLength(seen.filter((one) => one === value).length + 2);
  },
);
