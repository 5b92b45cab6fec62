/**
 * # Background
 * A guest reaches configuration space by ports 0xcf8 and 0xcfc. Xen keeps what is written to the first and turns accesses
 * to the second into requests of their own type, with the function and the register as the address
 * (hvm_select_ioreq_server, ioreq_server_get_type_addr); a function that nobody owns is nobody's.
 *
 * # Method
 * Reads and writes registers of a function in every width, and the same of a function that is not there; then the requests
 * are compared.
 *
 * # A broken Xen
 * or a broken library would address another function or register, or let the accesses through as those of a port.
 */
import { expect, ProgramBuilder, readTrace, scenario } from 'ioreqlab/scenario';

const device = 0x1d;

scenario('configuration cycles reach the function that they name', async ({ guest, deviceModel }) => {
  await deviceModel.attach('pciTest', { at: { function: `00:${device.toString(16)}.0` } });
  const select = (program: ProgramBuilder, slot: number, register: number): ProgramBuilder =>
    program.out(0xcf8, 4, 0x8000_0000 + slot * 0x800 + (register & 0xfc));
  const program = new ProgramBuilder();
  select(program, device, 0).in(0xcfc, 4).in(0xcfc, 2).in(0xcfe, 2).in(0xcff, 1);
  select(program, device, 0x80).out(0xcfc, 4, 0x11223344).out(0xcfd, 1, 0x55).in(0xcfc, 4);
  select(program, device - 1, 0)
    .in(0xcfc, 4)
    .out(0xcfc, 4, 0);
  const { results } = await guest.run(program.build());
  expect([1, 2, 3, 4, 8, 10].map((i) => results[i]?.value)).toEqual([
    ...[0x0005_1b36, 0x1b36, 0x0005, 0x00],
    ...[0x1122_5544, 0xffff_ffff],
  ]);
  const { trace } = await deviceModel.closeServer();
  const sbdf = BigInt(device * 8) << 32n;
  const seen = readTrace(trace).map(({ type, isRead, size, address }) => [type, isRead, size, address - sbdf]);
  expect(seen).toEqual([
    [2, true, 4, 0n],
    [2, true, 2, 0n],
    [2, true, 2, 2n],
    [2, true, 1, 3n],
    [2, false, 4, 0x80n],
    [2, false, 1, 0x81n],
    [2, true, 4, 0x80n],
  ]);
});
