/**
 * # Background
 * Every request that a server sees is recorded, with two time stamps (src/native/trace.h), also while it is timed. That must
 * not be what is measured.
 *
 * # Method
 * The round trip of one IN with a server that records (`recording.on.<who>`) and with one that does not
 * (`recording.off.<who>`), in turn, twice each; `recording.ratio.<who>` is the one median over the other. TypeScript,
 * blocking and spinning.
 *
 * # Limits
 * As those of the ladder: in exact timing the cache lines that the record takes cost nothing.
 */
import { scenario } from 'ioreqlab/scenario';
import { sampleCount, waitings, warmUp } from './climb.ts';
import register from './register.device.ts';

const port = 0x5000;
const turns = 2;

const median = (samples: readonly number[]): number => samples.toSorted((a, b) => a - b)[samples.length >> 1] ?? NaN;

scenario(
  'what recording costs',
  {
    environments: ['hvm'],
    vcpus: 1,
    alone: true,
    oracle: 'off because there are more requests than a trace keeps',
    tags: ['performance'],
    timeoutMs: 600_000,
  },
  async ({ host, guest, deviceModel, record }) => {
    const samples = { on: [], off: [], 'on-spin': [], 'off-spin': [] } as Record<string, number[]>;
    for (let turn = 0; turn < turns; turn++) {
      for (const recording of ['on', 'off'] as const) {
        await deviceModel.createServer('main', { recording });
        await deviceModel.attach(register, { at: { register: port } });
        await warmUp({ host, guest, deviceModel }, 'main', [(op) => op.in(port, 1)]);
        for (const way of ['', '-spin'] as const) {
          await deviceModel.setWaiting(waitings(host.timing)[way]);
          const sampled = { warmup: 20, count: sampleCount[host.timing] };
          const { results } = await guest.run((program) => program.sample(sampled, (op) => op.in(port, 1)));
          samples[`${recording}${way}`]?.push(...(results[0]?.samples ?? []));
        }
        await deviceModel.closeServers();
      }
    }
    for (const way of ['', '-spin'] as const) {
      const [on = [], off = []] = [samples[`on${way}`], samples[`off${way}`]];
      await record(`recording.on.ts${way}`, Uint32Array.from(on));
      await record(`recording.off.ts${way}`, Uint32Array.from(off));
      await record(`recording.ratio.ts${way}`, Float64Array.of(median(on) / median(off)), 'ratio');
    }
  },
);
