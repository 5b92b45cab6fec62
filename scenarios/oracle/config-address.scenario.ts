/**
 * # Background
 * Xen keeps what is written to port 0xcf8 in four bytes, and then lets the request go on to the device model as if nothing
 * had been (hvm_access_cf8 in xen/arch/x86/hvm/ioreq.c): its handler looks at every request to the four ports, which cuts
 * batches to one repetition (hvm_process_io_intercept). With bit 31 set, 0xcfc to 0xcff are PCI configuration cycles, and
 * whoever owns those ports does not see them.
 *
 * # Method
 * Without a QEMU: a server owns 0xcf8 to 0xcff. Single accesses and batches to both halves, with and without bit 31.
 *
 * # A broken Xen
 * would keep what only part of a write said, swallow the access, or give cycles to the owner of the ports.
 */
import { expect, scenario, SCRATCH } from 'ioreqlab/scenario';
import scratch from '../port-io/scratch.device.ts';

scenario('the configuration address port', { environments: ['pvh'] }, async ({ guest, deviceModel }) => {
  await deviceModel.attach(scratch, { at: { register: 0xcf8 } });
  await deviceModel.attach(scratch, { at: { register: 0xcfc }, options: { initial: 0x11223344 } });
  const memory = SCRATCH.start;
  const seen = await guest.run((program) =>
    program
      .out(0xcf8, 4, 0)
      .in(0xcf8, 4)
      .in(0xcfc, 4)
      .in(0xcfe, 2)
      .out(0xcf8, 4, 0x8000_1800)
      .in(0xcf8, 4)
      .in(0xcfc, 4)
      .out(0xcfd, 1, 0x99)
      // Not four bytes: not kept.
      .out(0xcf8, 2, 0)
      .out(0xcfb, 1, 0)
      .in(0xcfc, 4)
      .write(memory, Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0x80, 1, 0, 0, 0))
      .repOuts({ size: 4, count: 3, port: 0xcf8, source: memory })
      .in(0xcfc, 4)
      .repIns({ size: 2, count: 3, port: 0xcf9, destination: memory })
      .repIns({ size: 4, count: 3, port: 0xcfc, destination: memory })
      .repOuts({ size: 1, count: 3, port: 0xcff, source: memory }),
  );
  const values = [2, 3, 6, 10, 13].map((i) => seen.results[i]?.value);
  expect(values).toEqual([0x11223344, 0x1122, 0xffffffff, 0xffffffff, 0x11223344]);
  await expect(seen).toMatchOracle();
});
