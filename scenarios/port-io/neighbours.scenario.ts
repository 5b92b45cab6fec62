/**
 * # Background
 * Ranges of one server that touch become one (rangeset_add_range in xen/common/rangeset.c), so an access across two devices
 * of a server is its; across two servers it is nobody's. To Xen an access is never in parts.
 *
 * # Method
 * Eight devices of one port each, taking turns on two servers in pairs: 0 and 1 on the first, 2 and 3 on the second,
 * and so on. Words at each port; bytes before and after.
 *
 * # A broken Xen
 * would give half of an access to each, or to the first that it finds.
 */
import { expect, ProgramBuilder, scenario } from 'ioreqlab/scenario';

const first = 0x5100;
const count = 8;

scenario('devices of one port side by side', async ({ guest, deviceModel }) => {
  for (let i = 0; i < count; i++) {
    const options = { size: 1, space: 'port', fill: 0x80 + i } as const;
    await deviceModel.attach('ramWindow', { server: i % 4 < 2 ? 'one' : 'two', at: { window: first + i }, options });
  }
  const program = new ProgramBuilder();
  const each = (visit: (port: number) => void): void => {
    for (let i = 0; i < count; i++) visit(first + i);
  };
  each((port) => program.in(port, 1));
  // No device takes two ports; of those inside one server the library counts them.
  each((port) => program.in(port, 2).out(port, 2, 0));
  each((port) => program.in(port, 1).out(port, 1, port & 7));
  each((port) => program.in(port, 1));
  const seen = await guest.run(program.build());
  const values = (from: number, step: number): (number | undefined)[] =>
    Array.from({ length: count }, (_, i) => seen.results[from + step * i]?.value);
  const filled = Array.from({ length: count }, (_, i) => 0x80 + i);
  expect(values(0, 1)).toEqual(filled);
  expect(values(count, 2)).toEqual(Array.from({ length: count }, () => 0xffff));
  expect(values(3 * count, 2)).toEqual(filled);
  expect(values(5 * count, 1)).toEqual(Array.from({ length: count }, (_, i) => i));
  await expect(seen).toMatchOracle();
  for (const server of ['one', 'two']) {
    const { counters } = await deviceModel.closeServer(server);
    expect(counters).toMatchObject({ unclaimed: 2 * (count / 4) });
  }
});
