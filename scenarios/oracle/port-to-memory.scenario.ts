/**
 * # Background
 * INS with MMIO as its destination reads the port and then writes memory: two requests of one instruction. What was read
 * from memory Xen keeps until the instruction is done, what was read from a port it does not (hvmemul_do_io and
 * _hvm_emulate_one in xen/arch/x86/hvm/emulate.c): after the write was answered it reads the port again, finds that the
 * request to be completed is another one, and crashes the domain.
 *
 * # Method
 * One INSB from a device's port to a device's memory; and, before, the same the other way, OUTS from memory, which works.
 *
 * # A broken Xen
 * is what we have, on every version: a guest can end itself by one instruction. One that is mended lets it come to its end.
 */
import { expect, HOLE_BELOW_4G, scenario } from 'ioreqlab/scenario';
import window from '../memory/window.device.ts';
import stream from '../string-io/stream.device.ts';

const device = HOLE_BELOW_4G.start;

scenario('INS to MMIO is a read and a write', async ({ guest, deviceModel, known }) => {
  await deviceModel.attach(stream, { at: { data: 0x5100, sum: 0x5104 } });
  await deviceModel.attach(window, { at: { page: Number(device) } });
  const outs = await guest.run((program) =>
    program.store(device, 4, 0x44332211).repOuts({ size: 1, count: 4, port: 0x5100, source: device }),
  );
  expect(outs.results[1]).toMatchObject({ rcx: 0n, rsi: device + 4n });
  await expect(outs).toMatchOracle();
  const crash = {
    xen: '>=4.11',
    reason: 'Xen reads the port of an INS to MMIO twice, and crashes the domain for it',
    source: 'hvmemul_do_io, _hvm_emulate_one',
    code: 'GUEST_GONE',
  };
  await known(crash, async () => {
    const ins = await guest.run((program) => program.ins({ size: 1, port: 0x5100, destination: device + 8n }));
    await expect(ins).toMatchOracle();
  });
});
