/**
 * # Background
 * A device reads and writes guest memory by mappings of the guest's frames (xenforeignmemory_map).
 *
 * # Method
 * The guest has a device copy a piece of its memory, across frames, and looks at the result; then to where it has no
 * memory, which must harm nobody.
 *
 * # A broken library
 * would copy from or to somewhere else, or show the guest an older state.
 */
import { expect, HOLE_BELOW_4G, scenario, SCRATCH } from 'ioreqlab/scenario';
import dma from './dma.device.ts';

scenario(
  'a device moves guest memory',
  { oracle: 'off because the device writes what the guest reads' },
  async ({ guest, deviceModel }) => {
    const registers = HOLE_BELOW_4G.start + 0x10_0000n;
    await deviceModel.attach(dma, { at: { registers: Number(registers) } });
    const length = 100;
    const pattern = Uint8Array.from({ length }, (_, i) => (i * 37 + 1) & 0xff);
    const [source, target] = [SCRATCH.start + 0x1fc0n, SCRATCH.start + 0x4ff1n];
    const seen = await guest.run((program) =>
      program
        .write(source, pattern)
        .fill(target - 1n, length + 2, 0x5a)
        .store(registers, 4, source)
        .store(registers + 4n, 4, target)
        .store(registers + 8n, 4, length)
        .store(registers + 12n, 4, 1)
        .read(target - 1n, length + 2)
        // Changed by the guest afterwards: a mapping is no copy.
        .write(source, Uint8Array.of(0xee))
        .store(registers + 12n, 4, 1)
        .read(target, 2)
        // To where there is no memory.
        .store(registers + 4n, 4, 0x2000_0000)
        .store(registers + 12n, 4, 1)
        .load(registers + 4n, 4),
    );
    const read = seen.results.filter(({ op }) => op === 'read').map(({ bytes }) => bytes);
    expect(read[0]).toEqual(Uint8Array.of(0x5a, ...pattern, 0x5a));
    expect(read[1]).toEqual(Uint8Array.of(0xee, pattern[1] ?? 0));
    expect(seen.results[12]?.value).toBe(0x2000_0000);
  },
);
