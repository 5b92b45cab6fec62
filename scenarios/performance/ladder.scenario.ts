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
 * TypeScript. They are there one after the other, under the same id: Xen looks through its servers several times for one
 * request (FOR_EACH_IOREQ_SERVER in xen/common/ioreq.c), the highest id first, so side by side one of them would pay for
 * the other. dom0 and the guest are on different processors.
 *
 * # Limits
 * In exact timing the figures are instructions of the whole machine: caches and wake-up latency do not show.
 */
import { expect, scenario } from 'ioreqlab/scenario';
import scratch from '../port-io/scratch.device.ts';
import { climber, spinCycles } from './climb.ts';

const ports = { unclaimed: 0x5555, xen: 0x61, c: 0x5100, ts: 0x5000, qemu: 0x64 } as const;

scenario(
  'the round trip of one IN',
  { environments: ['hvm'], vcpus: 1, alone: true, tags: ['performance'], timeoutMs: 600_000 },
  async ({ host, guest, deviceModel, record }) => {
    const climb = climber({ guest, record }, 'ladder', 10_000);
    /** A port whose answer shows who gives it, asked before and after. */
    const climbPort = async (rung: string, port: number, answer: (value: number) => boolean, warmup: number) => {
      const ask = async (): Promise<void> => {
        const value = (await guest.run((program) => program.in(port, 1))).results[0]?.value ?? -1;
        expect(answer(value), `rung ${rung}: the answer 0x${value.toString(16)} is not from whom it should be`).toBe(
          true,
        );
      };
      await ask();
      await climb(rung, (op) => op.in(port, 1), warmup);
      await ask();
    };
    const isNobody = (value: number): boolean => value === 0xff;
    const isTs = (value: number): boolean => value === 0x5a;
    const isC = (value: number): boolean => value === 0x3c;

    await deviceModel.attach(scratch, { server: 'ts', at: { register: ports.ts }, options: { initial: 0x5a } });
    const spinning = { mode: 'spin', cycles: spinCycles[host.timing] } as const;
    await climb('rdtsc', (op) => op.rdtsc(), 100);
    await climb('cpuid', (op) => op.cpuid(0), 100);
    await climbPort('unclaimed', ports.unclaimed, isNobody, 100);
    await climbPort('xen', ports.xen, (value) => !isNobody(value), 100);
    await deviceModel.setWaiting(spinning, 'ts');
    await climbPort('ts-spin', ports.ts, isTs, 3_000); // JavaScript's compiler gets its samples where they are cheap
    await deviceModel.setWaiting({ mode: 'block' }, 'ts');
    await climbPort('ts', ports.ts, isTs, 300);
    await deviceModel.closeServers();

    await deviceModel.attachReference({ server: 'c', ports: [ports.c] });
    await guest.run((program) => program.out(ports.c, 1, 0x3c));
    await deviceModel.setWaiting(spinning, 'c');
    await climbPort('c-spin', ports.c, isC, 300);
    await deviceModel.setWaiting({ mode: 'block' }, 'c');
    await climbPort('c', ports.c, isC, 300);
    await climbPort('qemu', ports.qemu, (value) => !isNobody(value), 300);
  },
);
