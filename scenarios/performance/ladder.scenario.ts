/**
 * # Background
 * What one port access costs, rung by rung: nothing but the time stamps (`rdtsc`), a bare exit (`cpuid`), an access that
 * Xen completes because nobody owns it (`unclaimed`), one that Xen answers itself (`xen`: port 0x61), one that a device
 * model in dom0 answers, in C and in TypeScript (`c`, `ts`), the same with a device model that looks at the slots instead
 * of sleeping (`c-spin`, `ts-spin`), and one that QEMU answers (`qemu`: port 0x64).
 *
 * # Method
 * One boot of one guest, one vCPU, interrupts off, time stamps around each single access of one byte; every sample is
 * kept. The C server and the TypeScript one use the same loop and the same table look-up, so that what is between them is
 * TypeScript. dom0 and the guest are on different processors.
 *
 * # Limits
 * In exact timing the figures are instructions of the whole machine: caches and wake-up latency do not show.
 */
import { expect, scenario } from 'ioreqlab/scenario';
import scratch from '../port-io/scratch.device.ts';

const ports = { unclaimed: 0x5555, xen: 0x61, c: 0x5100, ts: 0x5000, qemu: 0x64 } as const;
const count = 10_000;
/** Long enough to cover the way through guest and Xen, in TSC cycles. */
const spinCycles = 200_000;

scenario(
  'the round trip of one IN',
  { environments: ['hvm'], tags: ['performance'], timeoutMs: 180_000 },
  async ({ guest, deviceModel, record }) => {
    await deviceModel.attach(scratch, { server: 'ts', at: { register: ports.ts }, options: { initial: 0x5a } });
    await deviceModel.attachReference({ server: 'c', ports: [ports.c] });

    const climb = async (rung: string, port: number | 'rdtsc' | 'cpuid', warmup: number): Promise<void> => {
      const seen = await guest.run((program) =>
        program.sample({ warmup, count }, (op) =>
          port === 'rdtsc' ? op.rdtsc() : port === 'cpuid' ? op.cpuid(0) : op.in(port, 1),
        ),
      );
      const samples = seen.results[0]?.samples ?? new Uint32Array();
      expect(seen.results[0]?.fault).toBeUndefined();
      expect(samples.length).toBe(count);
      await record(`ladder.${rung}`, samples);
    };

    // That each port is answered by whom it says.
    const seen = await guest.run((program) =>
      program.in(ports.unclaimed, 1).in(ports.ts, 1).out(ports.c, 1, 0x3c).in(ports.c, 1).in(ports.qemu, 1),
    );
    expect([0, 1, 3].map((i) => seen.results[i]?.value)).toEqual([0xff, 0x5a, 0x3c]);
    expect(seen.results[4]?.value, 'QEMU answers port 0x64').not.toBe(0xff);

    await climb('rdtsc', 'rdtsc', 100);
    await climb('cpuid', 'cpuid', 100);
    await climb('unclaimed', ports.unclaimed, 100);
    await climb('xen', ports.xen, 100);
    await deviceModel.setSpin(spinCycles, 'ts');
    await climb('ts-spin', ports.ts, 3_000); // JavaScript's compiler gets its samples where they are cheap
    await deviceModel.setSpin(0, 'ts');
    await climb('ts', ports.ts, 300);
    await deviceModel.setSpin(spinCycles, 'c');
    await climb('c-spin', ports.c, 300);
    await deviceModel.setSpin(0, 'c');
    await climb('c', ports.c, 300);
    await climb('qemu', ports.qemu, 300);
  },
);
