/**
 * # Background
 * Xen's own handlers come first, in a PVH guest as well: an access to the debug console or the local APIC is never seen by a
 * server, even if it owns the place (hvm_io_intercept in xen/arch/x86/hvm/intercept.c). What only looks, as the handler of
 * port 0xcf8 does, lets the access go on.
 *
 * # Method
 * A server owns port 0xe9 and its neighbours, the page of the local APIC and those beside it, and port 0xcf8.
 *
 * # A broken Xen
 * would ask the server first, or keep more than the handler's own ports and bytes.
 */
import { expect, memory, ports, scenario } from 'ioreqlab/scenario';

const apic = 0xfee0_0000;

scenario('what Xen keeps to itself', { environments: ['pvh'] }, async ({ guest, deviceModel, known }) => {
  await deviceModel.attachConstant({ server: 'main', value: 0x4d4d_4d4d });
  await deviceModel.mapRanges('main', ports(0xe8, 0xeb), memory(apic - 0x1000, apic + 0x1fff), ports(0xcf8, 0xcfb));
  const seen = await guest.run((program) =>
    program
      .in(0xe8, 1)
      .in(0xe9, 1)
      .in(0xea, 1)
      .in(0xe8, 2)
      .in(0xe9, 2)
      .in(0xe8, 4)
      .load(apic - 4, 4)
      .load(apic + 0x20, 4)
      .load(apic + 0x1000, 4)
      .load(apic + 0x30, 4)
      .out(0xcf8, 4, 0)
      .in(0xcf8, 4),
  );
  const values = seen.results.map(({ value }) => value);
  const ours = 0x4d4d_4d4d;
  await known({ before: 'debugConsoleReads' }, async () => expect(values[1]).toBe(0xe9));
  expect([0, 2, 3, 4, 5, 6].map((i) => values[i])).toEqual([0x4d, 0x4d, 0x4d4d, 0x4d4d, ours, ours]);
  expect(values[8]).toBe(ours);
  // vCPU 0 has APIC id 0; and a version that is one.
  expect(values[7]).toBe(0);
  expect((values[9] ?? 0) & 0xf0).toBe(0x10);
  expect(values[11]).toBe(ours);
  await expect(seen).toMatchOracle();
});
