/**
 * # Background
 * Xen believes both pointers of the buffered ring, and uses them modulo 511: what looks full makes a write take the vCPU's
 * slot, and pointers far on are brought back together, if the server said that it reads them as one
 * (hvm_send_buffered_ioreq in 4.14, ioreq_send_buffered in xen/common/ioreq.c; HVM_IOREQSRV_BUFIOREQ_ATOMIC).
 *
 * # Method
 * The pointers are set: too far apart, the reader before the writer, far on, and at the end of 32 bits. After each the guest
 * writes to VGA memory: the write must come by the ring or by the slot, and the pointers must be what follows.
 *
 * # A broken Xen
 * would write outside of the page, lose the write, or never come back from adjusting.
 */
import { expect, scenario } from 'ioreqlab/scenario';
import { oracle } from './faulty.ts';

const vga = 0xa0000n;
const ranges = [{ kind: 'memory', start: vga, end: vga + 0xfffn }] as const;

/** Pointers before; those after one write, where it comes by the ring: legacy, atomic. */
const cases = [
  { read: 0, write: 511 },
  { read: 5, write: 4 },
  { read: 0, write: 510, legacy: [0, 511], atomic: [0, 511] },
  { read: 1_538, write: 1_538, legacy: [1_538, 1_539], atomic: [5, 6] },
  { read: 0xffff_ffff, write: 0xffff_ffff, legacy: [0xffff_ffff, 0] },
] as const;

scenario('the ring is where its pointers say', { oracle, environments: ['hvm'] }, async ({ guest, deviceModel }) => {
  for (const buffered of ['legacy', 'atomic'] as const) {
    await deviceModel.misbehave({ ranges, buffered, scripts: [] });
    for (const { read, write, ...after } of cases) {
      const pointers = (after as { legacy?: readonly number[]; atomic?: readonly number[] })[buffered];
      // At the end of 32 bits the atomic way never is.
      if (pointers === undefined && read === 0xffff_ffff) continue;
      await deviceModel.makeFaults(0, [{ do: 'ring', read, write }]);
      const seen = await guest.run((program) => program.store(vga, 1, 0x5a));
      expect(seen.results[0]?.fault).toBeUndefined();
      await deviceModel.makeFaults(0, [{ do: 'ring' }]);
      const faults = await deviceModel.takeFaults();
      expect(faults.map(({ request }) => request?.addr).filter((addr) => addr !== undefined)).toEqual(
        pointers === undefined ? [vga] : [],
      );
      expect(faults.at(-1)?.states).toEqual(pointers ?? [read, write]);
    }
  }
});
