/**
 * # Background
 * The data of a batch has to be RAM. Xen looks at the frame of its first element and, when that element lies across the
 * frame's end, at another one: the one above going up, but the one below going down (hvmemul_do_io_addr in
 * xen/arch/x86/hvm/emulate.c). So going down it does not notice that the element ends in no RAM, and gives the device model
 * an address whose last bytes are a device's.
 *
 * # Method
 * REP MOVS of eight bytes between a device's memory and the end of RAM, whose next page is the device's too, with an
 * element across it; up and down.
 *
 * # A broken Xen
 * is what we have: the requests are those that the oracle expects, and the device model has to take care of itself. Ours
 * moves no data where there is no RAM. In the other direction the element comes in pieces, as it should.
 */
import { expect, ProgramBuilder, scenario } from 'ioreqlab/scenario';
import window from '../memory/window.device.ts';

/** The guest has 64 MiB: RAM below, MMIO from here on. */
const edge = 0x400_0000n;

scenario('an element across the end of RAM', async ({ guest, deviceModel }) => {
  for (let page = 0; page < 2; page++) await deviceModel.attach(window, { at: { page: Number(edge) + 0x1000 * page } });
  const program = new ProgramBuilder();
  for (let i = -4n; i < 4n; i++) program.store(edge + 8n * i, 8, 0x0101_0101_0101_0101n * (i + 5n));
  for (const size of [4, 8] as const) {
    for (const before of [1n, 3n]) {
      const to = edge + 0x1800n;
      program
        .repMovs({ size, count: 3, source: edge - BigInt(size) - before, destination: to })
        .load(to + 8n, 8)
        .repMovs({ size, count: 3, source: edge + BigInt(size) - before, destination: to, backward: true })
        .load(to - 8n, 8);
    }
  }
  const seen = await guest.run(program.build());
  expect(seen.results.filter(({ op }) => op === 'movs').every(({ rcx, fault }) => rcx === 0n && !fault)).toBe(true);
  await expect(seen).toMatchOracle();
  const downwards = (await deviceModel.trace()).filter((record) => record.dataIsPointer && record.backwards);
  expect(downwards.some(({ data, size }) => data < edge && data + BigInt(size) > edge)).toBe(true);
});
