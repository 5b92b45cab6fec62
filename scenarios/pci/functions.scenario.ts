/**
 * # Background
 * Every function has an owner of its own: those of one device may belong to several servers, and the highest function of the
 * highest device of the highest bus is one like others. The segment is always 0 by this way, so that a function of another
 * segment is never reached (XEN_DMOP_PCI_SBDF; CF8_BDF in xen/arch/x86).
 *
 * # Method
 * Eight functions of one device by turns among three servers, then functions at the ends of the numbers, with a server that
 * owns the same in segments 1 and 0xffff and must see nothing.
 *
 * # A broken Xen
 * would take the owner of the device's function 0 for the owner of all, or look at the lower bits of the number only.
 */
import { expect, pciFunction, scenario } from 'ioreqlab/scenario';
import { configAddress, readConfig } from './config.ts';

const servers = ['a', 'b', 'c'] as const;
const ends = [
  { bus: 0, device: 0x1f, fn: 7 },
  { bus: 1, device: 0, fn: 0 },
  { bus: 0x7f, device: 0x10, fn: 5 },
  { bus: 0xff, device: 0x1f, fn: 7 },
] as const;

const name = ({ bus, device, fn }: (typeof ends)[number], segment = ''): string =>
  `${segment}${bus.toString(16).padStart(2, '0')}:${device.toString(16).padStart(2, '0')}.${fn}`;

scenario('each function its own owner', async ({ guest, deviceModel }) => {
  for (const [i, server] of servers.entries()) await deviceModel.attachConstant({ server, value: 0x11 * (i + 1) });
  await deviceModel.attachConstant({ server: 'elsewhere', value: 0xee });
  for (let fn = 0; fn < 8; fn++) await deviceModel.mapRanges(servers[fn % 3] ?? '', pciFunction(`00:17.${fn}`));
  for (const [i, one] of ends.entries()) {
    await deviceModel.mapRanges(servers[i % 3] ?? '', pciFunction(name(one)));
    await deviceModel.mapRanges('elsewhere', pciFunction(name(one, '1:')), pciFunction(name(one, 'ffff:')));
  }
  const seen = await guest.run((program) => {
    for (let fn = 7; fn >= 0; fn--) readConfig(program, configAddress({ device: 0x17, fn }, 4 * fn), 2, 2);
    for (const one of ends) readConfig(program, configAddress(one, 0xfc), 1, 3);
    return program;
  });
  const values = seen.results.filter(({ op }) => op === 'in').map(({ value }) => value);
  expect(values).toEqual([
    ...[7, 6, 5, 4, 3, 2, 1, 0].map((fn) => 0x11 * ((fn % 3) + 1)),
    ...ends.map((_, i) => 0x11 * ((i % 3) + 1)),
  ]);
  await expect(seen).toMatchOracle();
  expect(await deviceModel.trace('elsewhere')).toEqual([]);
});
