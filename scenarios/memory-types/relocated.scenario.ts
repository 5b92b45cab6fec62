/**
 * # Background
 * relocate_memory moves frames of the guest to other addresses, contents and all; where they were is a hole, which belongs to
 * whichever server owns it (relocate_memory in xen/arch/x86/hvm/dm.c, XENMAPSPACE_gmfn_range). QEMU places video memory so.
 *
 * # Method
 * Three frames go to a hole that a server owns, and come back. The guest reads and writes both places before, in between and
 * after: where there is memory, no server is asked, where there is none, the server is.
 *
 * # A broken Xen
 * would leave a copy, lose the contents, or ask a server where there is memory.
 */
import { expect, HOLE_BELOW_4G, memory, ProgramBuilder, scenario, SCRATCH } from 'ioreqlab/scenario';

const at = SCRATCH.end - 0xa_0000n;
const hole = HOLE_BELOW_4G.start + 0x100_0000n;
const bytes = 0x3000n;

scenario(
  'frames that move',
  { oracle: 'off because it does not know frames that move' },
  async ({ guest, deviceModel }) => {
    await deviceModel.attachConstant({ server: 'main', value: 0x4444_4444 });
    await deviceModel.mapRanges('main', memory(at, at + bytes - 1n), memory(hole, hole + bytes - 1n));
    const asked = async (): Promise<number> =>
      (await deviceModel.trace('main')).filter(({ type }) => type === 1).length;
    const move = async (from: bigint, to: bigint): Promise<void> => {
      const [moved] = await guest.dmOps([{ op: 'relocateMemory', args: [bytes >> 12n, from >> 12n, to >> 12n] }]);
      expect(moved).toMatchObject({ ok: true });
    };
    const look = async (write: number): Promise<readonly number[]> => {
      const { results } = await guest.run((program) => {
        for (const place of [at, hole]) {
          program
            .load(place + 4n, 4)
            .load(place + 0x2ffcn, 4)
            .store(place + 4n, 4, write)
            .load(place + 4n, 4);
        }
        return program;
      });
      return results.filter(({ op }) => op === 'load').map(({ value }) => value);
    };
    await guest.run((program) => program.fill(at, 0x1000, 0x11).fill(at + 0x1000n, 0x2000, 0x22));
    const server = 0x4444_4444;
    expect(await look(0xaaaa)).toEqual([0x1111_1111, 0x2222_2222, 0xaaaa, server, server, server]);
    expect(await asked()).toBe(4);
    await move(at, hole);
    try {
      expect(await look(0xbbbb)).toEqual([server, server, server, 0xaaaa, 0x2222_2222, 0xbbbb]);
      expect(await asked()).toBe(8);
    } finally {
      await move(hole, at);
    }
    expect(await look(0xcccc)).toEqual([0xbbbb, 0x2222_2222, 0xcccc, server, server, server]);
    expect(await asked()).toBe(12);
    // Frames were taken out: each vCPU has to tell it, here and not in another scenario's servers.
    await guest.runAll(Array.from({ length: guest.vcpus }, () => new ProgramBuilder().in(0x5000, 1).build()));
  },
);
