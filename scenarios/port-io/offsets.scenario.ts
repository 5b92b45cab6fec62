/**
 * # Background
 * Xen passes the port of an access on as it is, whatever its alignment, if one range holds all of it
 * (ioreq_server_select in xen/common/ioreq.c).
 *
 * # Method
 * Devices of 1, 2, 3, 4, 8 and 16 ports, each with ports that nobody owns around it. Every width is written and read at
 * every offset from three ports before the device to three behind it; a plain memory of the same size does the same.
 *
 * # A broken Xen
 * would move an access to an aligned port, split one, or let one that sticks out reach the device.
 */
import { expect, ProgramBuilder, scenario } from 'ioreqlab/scenario';
import { PlainMemory } from '../memory/plain-memory.ts';

const sizes = [1, 2, 3, 4, 8, 16];

scenario('each width at each offset of devices of many sizes', async ({ guest, deviceModel }) => {
  const program = new ProgramBuilder();
  const wanted: (number | undefined)[] = [];
  for (const [i, size] of sizes.entries()) {
    const first = 0x5000 + 0x40 * i;
    const options = { size, space: 'port', fill: 0x10 * i } as const;
    await deviceModel.attach('ramWindow', { at: { window: first }, options });
    const memory = new PlainMemory(0x10 * i);
    let value = 0x9182_7364;
    for (let port = first - 3; port < first + size + 3; port++) {
      for (const width of [1, 2, 4] as const) {
        const isInside = port >= first && port + width <= first + size;
        value = (Math.imul(value, 0x0101_0101) + 0x1234_5679) >>> 0;
        const part = Number(BigInt.asUintN(8 * width, BigInt(value)));
        program.out(port, width, part).in(port, width);
        if (isInside) memory.store(BigInt(port), width, BigInt(part));
        wanted.push(undefined, isInside ? part : Number(BigInt.asUintN(8 * width, -1n)));
      }
    }
    for (let port = first; port < first + size; port++) {
      program.in(port, 1);
      wanted.push(memory.byte(BigInt(port)));
    }
  }
  const seen = await guest.run(program.build());
  expect(seen.results.map(({ value }, i) => (wanted[i] === undefined ? undefined : value))).toEqual(wanted);
  await expect(seen).toMatchOracle();
});
