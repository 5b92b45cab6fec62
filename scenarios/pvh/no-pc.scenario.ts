/**
 * # Background
 * A PVH guest has none of a PC's devices: of Xen's own handlers it keeps the local APIC, the latch of port 0xcf8 and the debug
 * console (emulation flags X86_EMU_LAPIC only, libxl_x86.c); and there is no QEMU. Everything else is nobody's, until a
 * server takes it.
 *
 * # Method
 * Reads of the ports and addresses where a PC has interrupt controllers, timers, clock, keyboard, disk and host bridge: all
 * ones. Then a server owns them, and gets what in an HVM guest Xen would keep to itself.
 *
 * # A broken Xen
 * would emulate a device that the guest was not given, or keep its ports from device models.
 */
import { expect, memory, pciFunction, ports, scenario } from 'ioreqlab/scenario';

const pc = [0x20, 0x21, 0xa0, 0xa1, 0x40, 0x43, 0x61, 0x70, 0x71, 0x60, 0x64, 0x92, 0x1f0, 0x3c4, 0x3ce, 0x4d0, 0xb2];
const pages = [0xfec0_0000, 0xfed0_0000, 0xa_0000 + 0x1000_0000];

scenario('no device of a PC', { environments: ['pvh'] }, async ({ guest, deviceModel }) => {
  await deviceModel.attachConstant({ server: 'main', value: 0x3c3c_3c3c });
  const look = async (): Promise<readonly number[]> => {
    const seen = await guest.run((program) => {
      for (const port of pc) program.in(port, 1);
      for (const page of pages) program.load(page, 4);
      program.in(0x1f40, 4).in(0x1f48, 4).in(0xb000, 4).in(0xb008, 4);
      return program.out(0xcf8, 4, 0x8000_0000).in(0xcfc, 4).out(0xcf8, 4, 0x8000_0900).in(0xcfc, 4);
    });
    await expect(seen).toMatchOracle();
    return seen.results.filter(({ op }) => op !== 'out').map(({ value }) => value);
  };
  const count = pages.length + 6;
  expect(await look()).toEqual([...pc.map(() => 0xff), ...Array<number>(count).fill(0xffff_ffff)]);
  await deviceModel.mapRanges(
    'main',
    ...pc.map((port) => ports(port)),
    ...pages.map((page) => memory(page, page + 0xfff)),
    ...[0x1f40, 0x1f48, 0xb000, 0xb008].map((port) => ports(port, port + 3)),
    ...['00:00.0', '00:01.1'].map(pciFunction),
  );
  expect(await look()).toEqual([...pc.map(() => 0x3c), ...Array<number>(count).fill(0x3c3c_3c3c)]);
});
