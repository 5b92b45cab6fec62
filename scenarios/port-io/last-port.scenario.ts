/**
 * # Background
 * Ports end at 0xffff. An access that begins there and is wider than a byte ends where no range of ports is
 * (ioreq_server_select in xen/common/ioreq.c looks at the first and the last port without wrapping).
 *
 * # Method
 * A device on the last sixteen ports and one on the first two: every width at each of the last ports, single and repeated.
 *
 * # A broken Xen
 * would wrap to port 0, cut the access, or hand it to the device whose end it sticks out of.
 */
import { expect, ProgramBuilder, scenario, SCRATCH } from 'ioreqlab/scenario';

const last = 0xffff;

scenario('the last ports', { environments: ['pvh'] }, async ({ guest, deviceModel }) => {
  await deviceModel.attach('ramWindow', { at: { window: 0xfff0 }, options: { size: 16, space: 'port', fill: 0x5a } });
  await deviceModel.attach('ramWindow', { at: { window: 0 }, options: { size: 2, space: 'port', fill: 0xc3 } });
  const program = new ProgramBuilder();
  const wanted: number[] = [];
  for (let port = last - 4; port <= last; port++) {
    for (const width of [1, 2, 4] as const) {
      program.in(port, width);
      const isInside = port + width - 1 <= last;
      wanted.push(Number(BigInt.asUintN(8 * width, isInside ? 0x5a5a_5a5an : -1n)));
      // Where it is not inside, nothing may change.
      program.out(port, width, Number(BigInt.asUintN(8 * width, isInside ? 0x5a5a_5a5an : 0n)));
    }
  }
  program
    .fill(SCRATCH.start, 8, 0)
    .repIns({ port: last, size: 1, count: 4, destination: SCRATCH.start })
    .repIns({ port: last, size: 2, count: 2, destination: SCRATCH.start + 4n })
    .read(SCRATCH.start, 8)
    .repOuts({ port: last, size: 2, count: 2, source: SCRATCH.start })
    .in(last, 1)
    .in(0, 2);
  const seen = await guest.run(program.build());
  expect(seen.results.filter(({ op }, i) => op === 'in' && i < 30).map(({ value }) => value)).toEqual(wanted);
  const bytes = seen.results.find(({ op }) => op === 'read');
  expect(bytes?.bytes).toEqual(Uint8Array.of(0x5a, 0x5a, 0x5a, 0x5a, 0xff, 0xff, 0xff, 0xff));
  expect(seen.results.slice(-2).map(({ value }) => value)).toEqual([0x5a, 0xc3c3]);
  await expect(seen).toMatchOracle();
});
