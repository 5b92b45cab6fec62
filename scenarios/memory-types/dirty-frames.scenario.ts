/**
 * # Background
 * track_dirty_vram tells which frames of a range the guest has written since the last time: the first call for a range gives all
 * of them (hap_track_dirty_vram in xen/arch/x86/mm/hap/hap.c), and makes them trap at the first write; each later one what was
 * written meanwhile (paging_log_dirty_range). What dom0 writes through a mapping is not seen, and modified_memory adds
 * nothing to it: outside of migration it does nothing (modified_memory in hvm/dm.c).
 *
 * # Method
 * 16 frames; the guest writes some of them, in every way, and reads others; dom0 writes one. The counts are compared after each,
 * with a range that moves, and after tracking has ended.
 *
 * # A broken Xen
 * would miss a frame, count one for ever, or count what was only read.
 */
import { expect, scenario, SCRATCH, type ProgramBuilder } from 'ioreqlab/scenario';

const at = SCRATCH.end - 0x8_0000n;
const gfn = at >> 12n;
const frames = 16n;
const frame = (i: number): bigint => at + BigInt(i) * 0x1000n;

scenario('frames that the guest has written', async ({ guest }) => {
  const track = async (first = gfn, count = frames): Promise<bigint> => {
    const [outcome] = await guest.dmOps([{ op: 'trackDirtyVram', args: [first, count] }]);
    if (outcome?.ok !== true) throw new Error(`track_dirty_vram: ${outcome?.errno}`);
    return outcome.values[0] ?? -1n;
  };
  const run = async (build: (program: ProgramBuilder) => ProgramBuilder): Promise<void> => {
    const { results } = await guest.run(build);
    expect(results.filter(({ fault }) => fault !== undefined)).toEqual([]);
  };
  await run((program) => program.fill(at, Number(frames) * 0x1000, 1));
  try {
    expect(await track()).toBe(frames);
    expect(await track()).toBe(0n);
    await run((program) =>
      program
        .store(frame(3), 4, 1)
        .store(frame(3) + 8n, 4, 1)
        .load(frame(4), 8),
    );
    expect(await track()).toBe(1n);
    expect(await track()).toBe(0n);
    // Over the border of two frames, a batch over three, and the last one.
    await run((program) =>
      program
        .store(frame(6) - 4n, 8, 1)
        .repStos({ size: 8, destination: frame(8) + 0xff8n, value: 1, count: 0x202 })
        .store(frame(15) + 0xfffn, 1, 1),
    );
    expect(await track()).toBe(6n);
    // Not the guest.
    await guest.writeMemory(Number(frame(1)), Uint8Array.of(9));
    await guest.dmOps([{ op: 'modifiedMemory', args: [gfn, frames] }]);
    expect(await track()).toBe(0n);
    // A range that is new: all of it; and the frames before it are no longer looked at.
    expect(await track(gfn + 8n, 8n)).toBe(8n);
    await run((program) => program.store(frame(2), 4, 2).store(frame(9), 4, 2));
    expect(await track(gfn + 8n, 8n)).toBe(1n);
  } finally {
    expect(await track(gfn, 0n)).toBe(0n);
  }
  await run((program) => program.store(frame(9), 4, 3));
  // As new.
  expect(await track()).toBe(frames);
  await track(gfn, 0n);
});
