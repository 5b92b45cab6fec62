/**
 * # Background
 * OUTS from memory of a device: there is no RAM that a device model could take the data from, so Xen gives up the batch
 * (hvmemul_rep_outs in xen/arch/x86/hvm/emulate.c) and reads each element by a request, then writes it by another.
 *
 * # Method
 * REP OUTS of each width, up and down, from a device's memory in one server to a port in another; misaligned, and with an
 * element across two pages.
 *
 * # A broken Xen
 * would hand a device's address over as if it were RAM, read an element twice, or swap reads and writes.
 */
import { expect, HOLE_BELOW_4G, ProgramBuilder, scenario } from 'ioreqlab/scenario';
import { PlainMemory } from '../memory/plain-memory.ts';
import { requestsOf } from './requests-of.ts';
import stream, { mix } from './stream.device.ts';

const [data, sum] = [0x5100, 0x5104];
const device = HOLE_BELOW_4G.start;
const count = 5;

scenario('REP OUTS from a device', async ({ guest, deviceModel }) => {
  await deviceModel.attach(stream, { server: 'port', at: { data, sum } });
  await deviceModel.attach('ramWindow', { at: { window: Number(device) }, options: { size: 0x2000 } });
  const program = new ProgramBuilder();
  const memory = new PlainMemory();
  for (const base of [0x100n, 0xfe0n, 0x1000n]) {
    for (let i = 0n; i < 32n; i += 8n) {
      const value = 0x1122_3344_5566_7788n + base * 0x1_0001n + i * 0x0101_0101_0101_0101n;
      program.store(device + base + i, 8, value);
      memory.store(device + base + i, 8, value);
    }
  }
  const wanted: number[] = [];
  let mixed = 0;
  for (const size of [1, 2, 4] as const) {
    for (const [offset, backward] of [
      [0x101n, false],
      [0x110n, true],
      [0xffbn, false],
      [0x1005n, true],
    ] as const) {
      program.repOuts({ port: data, size, count, backward, source: device + offset }).in(sum, 4);
      for (let i = 0; i < count; i++) {
        const at = device + offset + BigInt(backward ? -i * size : i * size);
        mixed = mix(mixed, Number(memory.load(at, size)));
      }
      wanted.push(mixed);
    }
  }
  const seen = await guest.run(program.build());
  expect(seen.results.filter(({ op }) => op === 'in').map(({ value }) => value)).toEqual(wanted);
  expect(seen.results.filter(({ op }) => op === 'outs').every(({ rcx }) => rcx === 0n)).toBe(true);
  expect(requestsOf(await deviceModel.trace('port')).every((request) => /^[rw][124]$/.test(request))).toBe(true);
  await expect(seen).toMatchOracle();
});
