/**
 * # Background
 * Four rungs of `performance/ladder`, for the tests of `ioreqlab compare`: a port of nobody, one that the C yardstick answers
 * and one that TypeScript answers, spinning and blocking. The C server has 256 ranges.
 *
 * # Method
 * A new guest for each repetition. `IOREQLAB_PERTURB` makes the handler slower, or has the C server look through all of its
 * ranges in vain before it looks the port up.
 */
import { expect, scenario, type Waiting } from 'ioreqlab/scenario';
import slowRegister from './slow-register.device.ts';

const samples = 200;
const spinning: Waiting = { mode: 'spin', cycles: 200_000 };
const ports = { unclaimed: 0x5555, ts: 0x5000, c: 0x6000 } as const;
const ranges = Array.from({ length: 256 }, (_, i) => ports.c + 8 * i);

scenario(
  'rungs that can be made slower',
  { environments: ['hvm'], vcpus: 1, alone: true, tags: ['performance'], timeoutMs: 600_000 },
  async ({ guest, deviceModel, record, perturb }) => {
    const climb = async (rung: string, port: number, warmup: number): Promise<void> => {
      const { results } = await guest.run((program) =>
        program.sample({ warmup, count: samples }, (op) => op.in(port, 1)),
      );
      expect(results[0]?.samples).toHaveLength(samples);
      await record(`ladder.${rung}`, results[0]?.samples ?? new Uint32Array());
    };
    await climb('unclaimed', ports.unclaimed, 50);
    await deviceModel.attach(slowRegister, {
      ...{ server: 'ts', at: { register: ports.ts }, options: { turns: perturb.turns } },
    });
    await deviceModel.setWaiting(spinning, 'ts');
    // JavaScript's compiler gets its samples where they are cheap, and its work done while the server sleeps.
    await guest.run((program) => program.sample({ warmup: 3_000, count: 1 }, (op) => op.in(ports.ts, 1)));
    await deviceModel.setWaiting({ mode: 'block' }, 'ts');
    await climb('ts', ports.ts, 500);
    await deviceModel.closeServers();
    await deviceModel.attachReference({ server: 'c', ports: ranges, scans: perturb.scans });
    await deviceModel.setWaiting(spinning, 'c');
    await climb('c-spin', ports.c, 50);
    await deviceModel.setWaiting({ mode: 'block' }, 'c');
    await climb('c', ports.c, 50);
  },
);
