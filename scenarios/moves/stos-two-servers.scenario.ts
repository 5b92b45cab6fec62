/**
 * # Background
 * A batch of one element is not split where a frame ends (hvmemul_do_io in xen/arch/x86/hvm/emulate.c makes one repetition
 * of it and sends it): so an element of REP STOS that lies in two frames of different servers is in no server's range, and
 * is dropped. The same element as the last of all, or without REP, is a plain write, whose parts are sent to both.
 *
 * # Method
 * Two servers with a page each; REP STOS with the second element across their border, and STOS of that element alone.
 *
 * # A broken Xen
 * is what we have, in every version: one element of the batch is missing. One that is mended splits it.
 */
import { expect, HOLE_BELOW_4G, scenario } from 'ioreqlab/scenario';

const border = HOLE_BELOW_4G.start + 0x11_1000n;

scenario('REP STOS across the border of two servers', async ({ guest, deviceModel, known }) => {
  await deviceModel.attach('ramWindow', { server: 'low', at: { window: Number(border) - 0x1000 } });
  await deviceModel.attach('ramWindow', { server: 'high', at: { window: Number(border) } });
  const seen = await guest.run((program) =>
    program
      .repStos({ size: 8, count: 3, destination: border - 12n, value: 0x1817_1615_1413_1211n })
      .load(border - 12n, 8)
      .load(border - 4n, 4)
      .load(border, 4)
      .load(border + 4n, 8)
      .stos({ size: 8, destination: border - 4n, value: 0x2827_2625_2423_2221n })
      .load(border - 4n, 4)
      .load(border, 4)
      .repStos({ size: 8, count: 2, destination: border - 12n, value: 0x3837_3635_3433_3231n })
      .load(border - 4n, 4)
      .load(border, 4),
  );
  const inTheMiddle = seen.results.slice(2, 4).map(({ rax }) => rax);
  await known(
    {
      xen: '>=4.11',
      reason: "an element of REP STOS that lies in two frames is in neither server's range, and is lost",
      source: 'hvmemul_do_io in xen/arch/x86/hvm/emulate.c: a batch of one is not split',
    },
    async () => expect(inTheMiddle).toEqual([0x1413_1211n, 0x1817_1615n]),
  );
  expect(seen.results.map(({ op, rax, rdi }) => (op === 'load' ? rax : rdi))).toEqual([
    ...[border + 12n, 0x1817_1615_1413_1211n, ...inTheMiddle, 0x1817_1615_1413_1211n],
    ...[border + 4n, 0x2423_2221n, 0x2827_2625n],
    ...[border + 4n, 0x3433_3231n, 0x3837_3635n],
  ]);
  await expect(seen).toMatchOracle();
});
