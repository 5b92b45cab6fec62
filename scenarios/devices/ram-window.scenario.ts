/**
 * # Background
 * A load or store of 8 bytes is one request of 8 bytes, and one of 16 is two of 8 (hvmemul_phys_mmio_access in
 * xen/arch/x86/hvm/emulate.c). A RAM window takes 8 bytes at once, so that nobody else has to put halves together.
 *
 * # Method
 * Two windows, of memory and of ports, are written and read in every width and misaligned, by REP MOVS in both
 * directions, and 16 bytes at once; then the memory's state is taken, the device reset, and the state put back.
 *
 * # A broken Xen
 * would tear, swap or lose a part.
 */
import { expect, HOLE_ABOVE_4G, scenario, SCRATCH } from 'ioreqlab/scenario';

const memory = HOLE_ABOVE_4G.start;
const ports = 0xc200;

scenario('a RAM window is memory', async ({ guest, deviceModel }) => {
  const window = await deviceModel.attach('ramWindow', { at: { window: Number(memory) }, options: { size: 0x2000 } });
  await deviceModel.attach('ramWindow', { at: { window: ports }, options: { space: 'port', size: 64, fill: 0x5a } });

  const simple = await guest.run((program) =>
    program
      .store(memory + 0xffbn, 8, 0x8877_6655_4433_2211n)
      .load(memory + 0xffbn, 8)
      .load(memory + 0xffdn, 4)
      .store(memory + 0xffcn, 2, 0xaabb)
      .load(memory + 0xffbn, 8)
      .out(ports + 3, 4, 0xdead_beef)
      .in(ports + 4, 2)
      .in(ports + 2, 1),
  );
  expect(simple.results[1]?.rax).toBe(0x8877_6655_4433_2211n);
  expect(simple.results[2]?.value).toBe(0x6655_4433);
  expect(simple.results[4]?.rax).toBe(0x8877_6655_44aa_bb11n);
  expect([6, 7].map((i) => simple.results[i]?.value)).toEqual([0xadbe, 0x5a]);

  // There and back again, the second time downwards, across the window's page border.
  const bytes = Uint8Array.from({ length: 512 }, (_, i) => (i * 7 + 1) & 0xff);
  const at = SCRATCH.start;
  const moved = await guest.run((program) =>
    program
      .write(at, bytes)
      .fill(at + 0x1000n, 512, 0)
      .repMovs({ size: 8, count: 64, source: at, destination: memory + 0xf00n })
      .repMovs({ size: 4, count: 128, source: memory + 0x10fcn, destination: at + 0x11fcn, backward: true })
      .read(at + 0x1000n, 512),
  );
  expect(moved.results[4]?.bytes).toEqual(bytes);

  const state = await window.snapshot();
  await window.reset();
  expect((await guest.run((program) => program.load(memory + 0xf00n, 8))).results[0]?.rax).toBe(0n);
  await window.restore(state);
  const restored = await guest.run((program) => program.load(memory + 0xf00n, 8));
  expect(restored.results[0]?.rax).toBe(new DataView(bytes.buffer).getBigUint64(0, true));
});
