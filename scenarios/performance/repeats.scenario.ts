/**
 * # Background
 * REP INS and OUTS: Xen sends as many repetitions as fit in a page with one request, whose data is in guest memory
 * (hvmemul_do_pio_addr in xen/arch/x86/hvm/emulate.c); the device model fetches and stores them itself. So the price of one
 * element falls with the length.
 *
 * # Method
 * Elements of 4 bytes, 1 to 1024 of them, page-aligned. The metric is `repeats.<elements>.<ins or outs>.<who>`: TypeScript, blocking
 * and spinning, and nobody, whom Xen answers without a request. The yardstick in C does not move data.
 *
 * # Limits
 * As those of the ladder.
 */
import { expect, scenario, SCRATCH, type ProgramBuilder } from 'ioreqlab/scenario';
import scratch from '../port-io/scratch.device.ts';
import { timeOperations, waitings, warmUp } from './climb.ts';

const port = 0x5000;
const unclaimed = 0x5555;
/** Elements, and how many samples. */
const lengths = [
  [[1, 16], 200],
  [[256, 1024], 30],
] as const;

const strings = (
  rung: string,
  at: number,
  some: readonly number[],
): Record<string, (program: ProgramBuilder) => ProgramBuilder> =>
  Object.fromEntries(
    some.flatMap((count) => [
      [
        `repeats.${count}.ins.${rung}`,
        (p: ProgramBuilder) => p.repIns({ port: at, size: 4, count, destination: SCRATCH.start }),
      ],
      [
        `repeats.${count}.outs.${rung}`,
        (p: ProgramBuilder) => p.repOuts({ port: at, size: 4, count, source: SCRATCH.start }),
      ],
    ]),
  );

scenario(
  'what REP costs by its length',
  {
    environments: ['hvm'],
    vcpus: 1,
    alone: true,
    oracle: 'off because there are more requests than a trace keeps',
    tags: ['performance'],
    timeoutMs: 600_000,
  },
  async ({ host, guest, deviceModel, record }) => {
    const time = async (rung: string, at: number): Promise<void> => {
      for (const [some, count] of lengths) await timeOperations({ guest, record }, count, strings(rung, at, some));
    };
    await deviceModel.attach(scratch, { at: { register: port } });
    await warmUp({ host, guest, deviceModel }, 'main', [(op) => op.in(port, 4), (op) => op.out(port, 4, 1)]);
    // The loops over elements are code of their own.
    await guest.run((program) => {
      for (let i = 0; i < 20; i++) {
        program.repIns({ port, size: 4, count: 1024, destination: SCRATCH.start });
        program.repOuts({ port, size: 4, count: 1024, source: SCRATCH.start });
      }
      return program;
    });
    for (const way of ['', '-spin'] as const) {
      await deviceModel.setWaiting(waitings(host.timing)[way]);
      await time(`ts${way}`, port);
    }
    const { counters } = await deviceModel.closeServer();
    expect(counters).toMatchObject({ unclaimed: 0, malformed: 0, memoryMisses: 0 });
    await time('unclaimed', unclaimed);
  },
);
