/**
 * # Background
 * When a guest sets its real-time clock, Xen tells every server that has a buffered ring by how much: IOREQ_TYPE_TIMEOFFSET,
 * of 8 bytes, in two slots of the ring (rtc_set_time in xen/arch/x86/hvm/rtc.c, ioreq_broadcast). No vCPU waits for it.
 *
 * # Method
 * The guest moves its clock one year ahead and back, and reads a port of the same server after each: the read comes
 * through the vCPU's slot, and must be answered as if the entry in the ring had been handled before it. Two servers, one for
 * each way in which the ring's pointers count, must be told; a third without a ring sees nothing.
 *
 * # A broken Xen
 * would tell only one of them, or tell with the wrong sign; a library that does not empty the ring first would show the
 * old offset.
 */
import { expect, readTrace, scenario } from 'ioreqlab/scenario';
import scratch from '../port-io/scratch.device.ts';
import clock from './clock.device.ts';

const timeOffset = 7;
const year = 9; // register of the MC146818
const rings = { atomic: 0x5300, legacy: 0x5304 } as const;

const fromBcd = (value: number): number => (value >> 4) * 10 + (value & 15);
const toBcd = (value: number): number => (Math.floor(value / 10) << 4) | (value % 10);

scenario('a guest that sets its clock', { environments: ['hvm'] }, async ({ guest, deviceModel }) => {
  for (const buffered of ['atomic', 'legacy'] as const) {
    await deviceModel.createServer(buffered, { buffered });
    await deviceModel.attach(clock, { server: buffered, at: { moved: rings[buffered] } });
  }
  await deviceModel.attach(scratch, { server: 'none', at: { register: 0x5308 } });

  const before = await guest.run((program) => program.out(0x70, 1, year).in(0x71, 1));
  const now = before.results[1]?.value ?? -1;
  const next = toBcd((fromBcd(now) + 1) % 100);
  const seen = await guest.run((program) =>
    program
      .out(0x70, 1, year)
      .out(0x71, 1, next)
      .in(rings.atomic, 4)
      .in(rings.legacy, 4)
      .out(0x71, 1, now)
      .in(rings.atomic, 4)
      .in(rings.legacy, 4),
  );
  const [ahead, same, back, sameBack] = [2, 3, 5, 6].map((i) => seen.results[i]?.value ?? -1);
  expect([365, 366].map((days) => days * 86_400)).toContain(ahead);
  expect(same).toBe(ahead);
  // Where the year has a 29th of February more, the day that there is not comes out as the next.
  expect([0, 86_400]).toContain(back);
  expect(sameBack).toBe(back);

  for (const server of ['atomic', 'legacy']) {
    const report = await deviceModel.closeServer(server);
    const told = readTrace(report.trace).filter(({ type }) => type === timeOffset);
    expect(told).toMatchObject([
      { isBuffered: true, isRead: false, size: 8, count: 1, address: 0n, data: BigInt(ahead ?? 0) },
      { isBuffered: true, isRead: false, size: 8, count: 1, address: 0n },
    ]);
    expect(BigInt.asIntN(64, told[1]?.data ?? 0n)).toBeLessThan(0n);
    expect(report.counters).toMatchObject({ malformed: 0, ringDamaged: 0 });
  }
  expect(readTrace((await deviceModel.closeServer('none')).trace)).toEqual([]);
});
