/**
 * # Background
 * Xen executes an instruction that reads a device anew once the answer is there, and must not ask a second time
 * (hvmio_assist and the retry in hvmemul_do_io, xen/arch/x86/hvm/emulate.c): a counter that every read advances shows each
 * repetition.
 *
 * # Method
 * Single and repeated reads of a counter in ports and of one in memory: each element has to be the next number.
 *
 * # A broken Xen
 * would skip numbers.
 */
import { expect, HOLE_BELOW_4G, scenario, SCRATCH } from 'ioreqlab/scenario';

const port = 0xc400;
const memory = HOLE_BELOW_4G.start;

scenario('every read is asked for once', async ({ guest, deviceModel }) => {
  const first = 0xffff_fff8;
  const counter = await deviceModel.attach('counter', { at: { count: port }, options: { first } });
  await deviceModel.attach('counter', { at: { count: Number(memory) }, options: { space: 'memory', step: 0x100 } });
  const at = SCRATCH.start + 0xff8n;
  const seen = await guest.run((program) =>
    program
      .in(port, 4)
      .in(port, 1)
      .repIns({ port, size: 4, count: 16, destination: at })
      .in(port, 4)
      .read(at, 64)
      .load(memory, 4)
      .load(memory, 4)
      .lods({ size: 4, source: memory })
      .load(memory, 4),
  );
  expect([0, 1, 3].map((i) => seen.results[i]?.value)).toEqual([first, 0xf9, 10]);
  const { bytes = new Uint8Array() } = seen.results[4] ?? {};
  const words = new Uint32Array(bytes.slice().buffer);
  expect([...words]).toEqual(Array.from({ length: 16 }, (_, i) => (first + 2 + i) >>> 0));
  expect([5, 6, 7, 8].map((i) => seen.results[i]?.value)).toEqual([0, 0x100, 0x200, 0x300]);
  expect((await counter.snapshot()).state).toEqual({ next: 11 });
});
