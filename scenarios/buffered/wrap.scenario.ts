/**
 * # Background
 * The ring has 511 slots, an odd number, and an entry of eight bytes takes two of them: so pairs come to lie over its end. The
 * pointers count on; in the mode `atomic` Xen takes multiples of 511 off both, in the mode `legacy` never
 * (hvm_send_buffered_ioreq, ioreq_send_buffered in xen/common/ioreq.c).
 *
 * # Method
 * More than three times as many writes as there are slots, each of another value, of one, two, four and eight bytes by turns, so
 * that pairs begin at even and at odd slots; every value must arrive once and in order, from the ring or, where that was full,
 * by the vCPU's slot. A read at the end of each part finds the last.
 *
 * # A broken Xen
 * would lose a write at the end of the ring, tear a pair apart, or give one twice when it takes 511 off.
 */
import { expect, readTrace, scenario } from 'ioreqlab/scenario';
import window from '../memory/window.device.ts';

const vga = 0xb0000;
const sizes = [8, 1, 8, 4, 2] as const;
const parts = 3;
const writes = 430;

scenario('more than the ring holds', { environments: ['hvm'] }, async ({ guest, deviceModel }) => {
  for (const buffered of ['atomic', 'legacy'] as const) {
    await deviceModel.createServer(buffered, { buffered });
    await deviceModel.attach(window, { server: buffered, at: { page: vga } });
    const expected: (readonly [number, number, bigint])[] = [];
    for (let part = 0; part < parts; part++) {
      const seen = await guest.run((program) => {
        for (let i = 0; i < writes; i++) {
          const n = part * writes + i;
          const size = sizes[n % sizes.length] ?? 1;
          const at = 8 * (n % 500);
          const value = BigInt.asUintN(8 * size, 0x0101_0101_0101_0101n * BigInt(n % 251) + BigInt(n) * 0x1_0000_0001n);
          program.store(vga + at, size, value);
          expected.push([at, size, value]);
        }
        return program.load(vga, 4);
      });
      expect(seen.results.filter(({ fault }) => fault !== undefined)).toEqual([]);
      await expect(seen).toMatchOracle();
    }
    const report = await deviceModel.closeServer(buffered);
    const records = readTrace(report.trace).filter(({ isRead }) => !isRead);
    expect(records.map(({ address, size, data }) => [Number(address) - vga, size, data])).toEqual(expected);
    expect(records.filter(({ isBuffered }) => isBuffered).length).toBeGreaterThan(2 * 511);
    expect(report.counters).toMatchObject({ unclaimed: 0, malformed: 0, ringDamaged: 0 });
  }
});
