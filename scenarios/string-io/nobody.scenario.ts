/**
 * # Background
 * A batch to a port that nobody owns is completed by Xen, which writes all ones to the guest's memory itself (null_read in
 * xen/arch/x86/hvm/emulate.c, hvm_process_io_intercept in xen/arch/x86/hvm/intercept.c). The range of a port access is that
 * of one repetition, so a width that sticks out of a device's ports makes the whole batch nobody's.
 *
 * # Method
 * REP INS from ports that nobody owns, and from a device's last ports in a width that sticks out, up and down, across the
 * end of a page; REP OUTS there. The device and the memory around stay as they were.
 *
 * # A broken Xen
 * would leave memory as it was, write beyond the elements, or let the device have what fits.
 */
import { expect, ProgramBuilder, scenario, SCRATCH } from 'ioreqlab/scenario';

const device = 0x5200;
const end = SCRATCH.start + 0x4_1000n;
const count = 5;

scenario('REP INS and REP OUTS of nobody', async ({ guest, deviceModel }) => {
  await deviceModel.attach('ramWindow', { at: { window: device }, options: { size: 4, space: 'port', fill: 0x3c } });
  const program = new ProgramBuilder();
  const wanted: Uint8Array[] = [];
  for (const [port, size] of [
    [device - 1, 2],
    [device + 1, 4],
    [device + 3, 2],
    [device + 4, 1],
    [0x5555, 4],
  ] as const) {
    for (const backward of [false, true]) {
      const length = count * size;
      const low = end - BigInt(length - 3);
      const from = backward ? low + BigInt(length - size) : low;
      program
        .fill(low - 8n, length + 16, 0x21)
        .repIns({ port, size, count, backward, destination: from })
        .read(low - 8n, length + 16)
        .repOuts({ port, size, count, backward, source: from });
      const around = new Uint8Array(length + 16).fill(0x21);
      wanted.push(around.fill(0xff, 8, 8 + length));
    }
  }
  program.in(device, 4);
  const seen = await guest.run(program.build());
  expect(seen.results.filter(({ op }) => op === 'read').map(({ bytes }) => bytes)).toEqual(wanted);
  expect(seen.results.every(({ rcx, op }) => (op !== 'ins' && op !== 'outs') || rcx === 0n)).toBe(true);
  expect(seen.results.at(-1)?.value).toBe(0x3c3c_3c3c);
  expect(await deviceModel.trace()).toHaveLength(1);
  await expect(seen).toMatchOracle();
});
