/**
 * # Background
 * The first request after a start costs more than those after it: code that was never run, JavaScript that is interpreted
 * still, memory that nobody has touched.
 *
 * # Method
 * `first.process.ts`: the first request that a device-model process serves at all, of which a run has one. `first.server.<who>`: the first of each of
 * several servers that come one after the other in that process. TypeScript and C, blocking.
 *
 * # Limits
 * As those of the ladder.
 */
import { expect, scenario } from 'ioreqlab/scenario';
import register from './register.device.ts';

const port = 0x5000;
const servers = 10;

scenario(
  'the first request',
  {
    environments: ['hvm'],
    vcpus: 1,
    alone: true,
    oracle: 'off because there are more requests than a trace keeps',
    fresh: true,
    tags: ['performance'],
    timeoutMs: 600_000,
  },
  async ({ guest, deviceModel, record }) => {
    const first = async (who: 'ts' | 'c'): Promise<number> => {
      await deviceModel.createServer(who, { waiting: { mode: 'block' } });
      if (who === 'ts') await deviceModel.attach(register, { server: who, at: { register: port } });
      else await deviceModel.attachReference({ server: who, ports: [port] });
      const { results } = await guest.run((program) => program.sample({ count: 1 }, (op) => op.in(port, 4)));
      expect(results[0]?.fault).toBeUndefined();
      await deviceModel.closeServer(who);
      return results[0]?.samples?.[0] ?? NaN;
    };
    await record('first.process.ts', Float64Array.of(await first('ts')));
    for (const who of ['ts', 'c'] as const) {
      const samples: number[] = [];
      for (let i = 0; i < servers; i++) samples.push(await first(who));
      await record(`first.server.${who}`, Float64Array.from(samples));
    }
  },
);
