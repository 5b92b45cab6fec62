/**
 * # Background
 * What one port access costs, rung by rung: nothing but the time stamps (`rdtsc`), a bare exit (`cpuid`), an access that
 * Xen completes because nobody owns it (`unclaimed`), one that Xen answers itself (`xen`: port 0x61), one that a device
 * model in dom0 answers, in C and in TypeScript (`c`, `ts`), the same with a device model that looks at the slots instead
 * of sleeping (`c-spin`, `ts-spin`) or does so as long as that pays (`-adaptive`), and one that QEMU answers (`qemu`: port 0x64).
 *
 * # Method
 * One boot of one guest, one vCPU, interrupts off, time stamps around each single access of one byte; every sample is
 * kept. Of what a device model in dom0 answers, `split.<rung>` says where the time went: to the device model (`out`), in
 * it (`device-model`), and back (`in`), by its stamps and the guest's. The C server and the TypeScript one use the same loop and the same table look-up, so that what is between them is
 * TypeScript. They are there one after the other, under the same id: Xen looks through its servers several times for one
 * request (FOR_EACH_IOREQ_SERVER in xen/common/ioreq.c), the highest id first, so side by side one of them would pay for
 * the other. dom0 and the guest are on different processors.
 *
 * # Limits
 * In exact timing the figures are instructions of the whole machine: caches and wake-up latency do not show.
 */
import { expect, scenario } from 'ioreqlab/scenario';
import { Climber, waitings, warmUp, type Climb } from './climb.ts';
import register from './register.device.ts';

const ports = { unclaimed: 0x5555, xen: 0x61, c: 0x5100, ts: 0x5000, qemu: 0x64 } as const;
/** In exact timing every round trip is like the next. */
const samples = { exact: 1_000, wall: 10_000, none: 1 } as const;

scenario(
  'the round trip of one IN',
  {
    environments: ['hvm'],
    vcpus: 1,
    alone: true,
    tags: ['performance'],
    oracle: 'off because there are more requests than a trace keeps',
    timeoutMs: 600_000,
  },
  async ({ host, guest, deviceModel, record, perturb }) => {
    const climber = new Climber({ guest, deviceModel, record }, 'ladder', samples[host.timing]);
    /** A port whose answer shows who gives it, asked before and after. */
    const climbPort = async (
      { rung, warmup, split }: Omit<Climb, 'op'>,
      port: number,
      answer: (value: number) => boolean,
    ): Promise<void> => {
      const ask = async (): Promise<void> => {
        const value = (await guest.run((program) => program.in(port, 1))).results[0]?.value ?? -1;
        expect(answer(value), `rung ${rung}: the answer 0x${value.toString(16)} is not from whom it should be`).toBe(
          true,
        );
      };
      await ask();
      await climber.climb({ rung, op: (op) => op.in(port, 1), warmup, split });
      await ask();
    };
    const isNobody = (value: number): boolean => value === 0xff;
    const isTs = (value: number): boolean => value === 0x5a;
    const isC = (value: number): boolean => value === 0x3c;
    /** Each way of waiting. */
    const climbServer = async (server: 'ts' | 'c', answer: (value: number) => boolean): Promise<void> => {
      for (const [way, waiting] of Object.entries(waitings(host.timing))) {
        await deviceModel.setWaiting(waiting, server);
        await climbPort({ rung: `${server}${way}`, warmup: 300, split: server }, ports[server], answer);
      }
      await deviceModel.closeServers();
    };

    const options = { initial: 0x5a, turns: perturb.turns };
    await deviceModel.attach(register, { server: 'ts', at: { register: ports.ts }, options });
    await climber.climb({ rung: 'rdtsc', op: (op) => op.rdtsc(), warmup: 100 });
    await climber.climb({ rung: 'cpuid', op: (op) => op.cpuid(0), warmup: 100 });
    await climbPort({ rung: 'unclaimed', warmup: 100 }, ports.unclaimed, isNobody);
    await climbPort({ rung: 'xen', warmup: 100 }, ports.xen, (value) => !isNobody(value));
    await warmUp({ host, guest, deviceModel }, 'ts', [(op) => op.in(ports.ts, 1)]);
    await climbServer('ts', isTs);

    await deviceModel.attachReference({ server: 'c', ports: [ports.c] });
    await guest.run((program) => program.out(ports.c, 1, 0x3c));
    await climbServer('c', isC);
    await climbPort({ rung: 'qemu', warmup: 300 }, ports.qemu, (value) => !isNobody(value));
  },
);
