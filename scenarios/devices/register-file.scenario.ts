/**
 * # Background
 * Most devices are registers: bits that keep what is written, that only tell, that a written 1 clears. Each write has to
 * arrive exactly once and as wide as it was: one that came twice, or was widened by a read before, would clear what it
 * should not.
 *
 * # Method
 * A register of each kind, in ports and in memory, is written in parts and as a whole and read back.
 *
 * # A broken Xen
 * would repeat or widen an access.
 */
import { expect, HOLE_BELOW_4G, scenario } from 'ioreqlab/scenario';

const registers = {
  id: { offset: 0, width: 4, reset: 0x1234_5678, writable: 0 },
  control: { offset: 4, width: 2, reset: 0x8001, writable: 0x00ff },
  status: { offset: 8, width: 4, reset: 0xffff_0000, writable: 0xff, writeOneToClear: 0xffff_0000 },
} as const;
const port = 0xc300;
const memory = Number(HOLE_BELOW_4G.start);

scenario('registers do what their masks say', async ({ guest, deviceModel }) => {
  const inPorts = await deviceModel.attach('registerFile', { at: { registers: port }, options: { registers } });
  const options = { registers, space: 'memory' } as const;
  const inMemory = await deviceModel.attach('registerFile', { at: { registers: memory }, options });

  const seen = await guest.run((program) =>
    program
      .out(port, 4, 0)
      .out(port + 4, 2, 0x7f7f)
      .out(port + 10, 1, 0x0f)
      .out(port + 8, 1, 0x99)
      .in(port, 4)
      .in(port + 4, 4)
      .in(port + 8, 4)
      .store(memory, 4, 0)
      .store(memory + 4, 1, 0xee)
      .store(memory + 8, 8, 0x8000_0033)
      .load(memory, 8)
      .load(memory + 8, 4),
  );
  expect([4, 5, 6].map((i) => seen.results[i]?.value)).toEqual([0x1234_5678, 0xffff_807f, 0xfff0_0099]);
  // The last 8 bytes reach past the region: nobody's, and dropped.
  expect([seen.results[10]?.rax, seen.results[11]?.value]).toEqual([0xffff_80ee_1234_5678n, 0xffff_0000]);
  expect((await inPorts.snapshot()).state).toEqual({ id: 0x1234_5678, control: 0x807f, status: 0xfff0_0099 });
  await inMemory.restore(await inPorts.snapshot());
  await inPorts.reset();
  const after = await guest.run((program) => program.load(memory + 8, 4).in(port + 8, 4));
  expect(after.results.map(({ value }) => value)).toEqual([0xfff0_0099, 0xffff_0000]);
});
