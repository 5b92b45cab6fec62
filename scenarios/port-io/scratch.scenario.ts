/**
 * # Background
 * A device model's handler keeps its state between accesses; Xen passes each access on by itself.
 *
 * # Method
 * Writes a register in parts of one, two and four bytes and reads it back in others, in one program and across two.
 *
 * # A broken Xen
 * would lose or repeat an access, or deliver it with another address or width.
 */
import { expect, scenario } from 'ioreqlab/scenario';
import scratch from './scratch.device.ts';

scenario('a port register remembers what was written', async ({ guest, deviceModel }) => {
  await deviceModel.attach(scratch, { at: { register: 0x5000 }, options: { initial: 0x11223344 } });
  const first = await guest.run((program) =>
    program.in(0x5000, 4).out(0x5000, 4, 0xdeadbeef).in(0x5000, 4).out(0x5001, 1, 0x77).out(0x5002, 2, 0xc0de),
  );
  expect(first.results[0]?.value).toBe(0x11223344);
  expect(first.results[2]?.value).toBe(0xdeadbeef);
  const second = await guest.run((program) => program.in(0x5000, 4).in(0x5001, 1).in(0x5002, 2).in(0x5003, 1));
  expect(second.results.map(({ value }) => value)).toEqual([0xc0de77ef, 0x77, 0xc0de, 0xc0]);
  await expect(second).toMatchOracle();
});
