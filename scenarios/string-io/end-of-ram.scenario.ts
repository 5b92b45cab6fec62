/**
 * # Background
 * A batch may reach the last byte of RAM. Behind it is memory of a device, and an element that lies across the edge can be
 * no batch: its frame is RAM, but the next is not (hvmemul_do_io_addr and hvmemul_rep_outs in xen/arch/x86/hvm/emulate.c).
 * OUTS then comes as a read of the device's part and a write to the port. INS would crash the domain: see
 * oracle/port-to-memory.
 *
 * # Method
 * REP INS into the last bytes of RAM, up to the very last and down from it; REP OUTS from there, and across the edge.
 *
 * # A broken Xen
 * would stop before the last element, or touch what is behind it.
 */
import { expect, ProgramBuilder, scenario } from 'ioreqlab/scenario';
import { requestsOf } from './requests-of.ts';
import stream, { mix } from './stream.device.ts';

/** The guest has 64 MiB: RAM below, MMIO from here on. */
const edge = 0x400_0000n;
const [data, sum] = [0x5100, 0x5104];
const count = 6;

scenario('buffers that end with RAM', async ({ guest, deviceModel }) => {
  await deviceModel.attach(stream, { at: { data, sum } });
  await deviceModel.attach('ramWindow', { server: 'memory', at: { window: Number(edge) }, options: { fill: 0x77 } });
  const program = new ProgramBuilder();
  const wanted: (bigint | undefined)[] = [];
  let next = 0;
  let mixed = 0;
  for (const size of [1, 2, 4] as const) {
    const length = BigInt(count * size);
    const values = (): bigint[] => Array.from({ length: count }, () => BigInt(++next));
    const element = (i: number): bigint => edge - length + BigInt(i * size);
    for (const backward of [false, true]) {
      const from = backward ? edge - BigInt(size) : edge - length;
      program.repIns({ port: data, size, count, backward, destination: from });
      wanted.push(backward ? edge - length - BigInt(size) : edge);
      const given = backward ? values().reverse() : values();
      given.forEach((value, i) => {
        program.load(element(i), size);
        wanted.push(value);
      });
      program.repOuts({ port: data, size, count, backward, source: from }).in(sum, 4);
      for (const value of backward ? given.toReversed() : given) mixed = mix(mixed, Number(value));
      wanted.push(backward ? edge - length - BigInt(size) : edge, BigInt(mixed));
    }
  }
  const inside = program.build();
  const seen = await guest.run(inside);
  const ends = seen.results.map(({ op, rdi, rsi, rax }) => (op === 'ins' ? rdi : op === 'outs' ? rsi : rax));
  expect(ends).toEqual(wanted);
  await expect(seen).toMatchOracle();
  expect(await deviceModel.trace('memory')).toEqual([]);

  // The last word of RAM and one byte before it is the device's: 0x..b1, then 0x77 from the device.
  const across = await guest.run((more) =>
    more
      .store(edge - 4n, 4, 0xb4b3_b2b1)
      .outs({ port: data, size: 4, source: edge - 3n })
      .in(sum, 4)
      .repOuts({ port: data, size: 2, count: 3, source: edge - 3n })
      .in(sum, 4),
  );
  mixed = mix(mixed, 0x77b4_b3b2);
  expect(across.results[2]?.value).toBe(mixed);
  for (const value of [0xb3b2, 0x77b4, 0x7777]) mixed = mix(mixed, value);
  expect(across.results[4]?.value).toBe(mixed);
  expect(requestsOf(await deviceModel.trace('memory'))).toEqual(['r1', 'r1', 'r2']);
  await expect(across).toMatchOracle();
});
