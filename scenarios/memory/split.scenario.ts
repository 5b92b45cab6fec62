/**
 * # Background
 * What crosses the end of a page is in parts (linear_read and linear_write in xen/arch/x86/hvm/emulate.c), and each part in
 * chunks of 4, 2 and 1 bytes, in rising order: seven bytes are 4, 2 and 1.
 *
 * # Method
 * Loads and stores of each width at each distance from the end of a page, inside one region of a device; the requests, one
 * by one, and the values.
 *
 * # A broken Xen
 * would take chunks in another order or size, leave one out, or make one access of both pages.
 */
import { expect, HOLE_BELOW_4G, scenario } from 'ioreqlab/scenario';
import { MemoryProgram } from './memory-program.ts';

const base = HOLE_BELOW_4G.start + 0x1_0000n;
const end = base + 0x1000n;

/** Chunks of a part, by its length. */
const chunks: readonly (readonly number[])[] = [[], [1], [2], [2, 1], [4], [4, 1], [4, 2], [4, 2, 1]];

scenario('accesses in parts', async ({ guest, deviceModel }) => {
  await deviceModel.attach('ramWindow', { at: { window: Number(base) }, options: { size: 0x2000 } });
  const program = new MemoryProgram();
  program.store(end - 8n, 8, 0x1716_1514_1312_1110n).store(end, 8, 0x2726_2524_2322_2120n);
  const wanted: string[] = ['w ff8 8', 'w 1000 8'];
  for (const width of [2, 4, 8] as const) {
    for (let before = 1; before < width; before++) {
      const at = end - BigInt(before);
      const parts = (letter: string): string[] => {
        let offset = 0x1000 - before;
        return [...(chunks[before] ?? []), ...(chunks[width - before] ?? [])].map((size) => {
          const text = `${letter} ${offset.toString(16)} ${size}`;
          offset += size;
          return text;
        });
      };
      program.load(at, width).store(at, width, 0x0102_0304_0506_0708n * BigInt(before + 1));
      wanted.push(...parts('r'), ...parts('w'));
    }
  }
  program.load(end - 8n, 8).load(end, 8);
  const seen = await guest.run(program.build());
  program.check(seen);
  const requests = (await deviceModel.trace()).map(
    ({ isRead, address, size }) => `${isRead ? 'r' : 'w'} ${(address - base).toString(16)} ${size}`,
  );
  expect(requests).toEqual([...wanted, 'r ff8 8', 'r 1000 8']);
  await expect(seen).toMatchOracle();
});
