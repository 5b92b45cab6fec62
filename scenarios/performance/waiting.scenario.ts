/**
 * # Background
 * A device model can sleep until its event channel fires, look at the slots for a while first, or look as long as that
 * has lately paid: the first costs two wake-ups a request, the second costs the processor whatever the guest does.
 *
 * # Method
 * Three TypeScript servers. The same load for each way of waiting: `burst`, one access after the other to one server;
 * `sparse`, single accesses with gaps longer than the longest look; `mixed`, short bursts to each server in turn with
 * such gaps between. `gap` is what the guest does in the gaps, an access that Xen answers itself: what it costs more
 * than otherwise, the spinning servers cost. `total` is the whole of the mixed load.
 *
 * While the servers serve, the garbage collector must not run in them.
 *
 * # Limits
 * In exact timing the figures are instructions of the whole machine, whose processors take turns: a spinning one gives way at
 * each PAUSE, so that spinning looks cheaper than it is, and sleep costs nothing.
 */
import { expect, scenario, type ProgramBuilder, type Waiting } from 'ioreqlab/scenario';
import scratch from '../port-io/scratch.device.ts';
import { spinCycles } from './climb.ts';

const ports = { a: 0x5000, b: 0x5010, c: 0x5020 } as const;
const servers = ['a', 'b', 'c'] as const;
/** Answered by Xen itself. */
const xenPort = 0x61;
/** How many of Xen's own accesses outlast the longest look. */
const gapAccesses = { exact: 250, wall: 3_000, none: 1 } as const;

scenario(
  'block, spin or adapt',
  {
    environments: ['hvm'],
    alone: true,
    tags: ['performance'],
    oracle: 'off because there are more requests than a trace keeps',
    timeoutMs: 240_000,
  },
  async ({ host, guest, deviceModel, record }) => {
    for (const server of servers) await deviceModel.attach(scratch, { server, at: { register: ports[server] } });
    const gap = (program: ProgramBuilder): ProgramBuilder =>
      program.sample({ count: gapAccesses[host.timing] }, (op) => op.in(xenPort, 1));
    /** Runs a program and gives its samples, those of the gaps apart, and the time from its first to its last RDTSC. */
    const run = async (build: (program: ProgramBuilder) => ProgramBuilder) => {
      const { results } = await guest.run(build);
      const samples = results.filter(({ op }) => op === 'sample').map((one) => one.samples ?? new Uint32Array());
      const join = (isGap: boolean): Uint32Array =>
        Uint32Array.from(
          samples.filter(({ length }) => (length === gapAccesses[host.timing]) === isGap).flatMap((one) => [...one]),
        );
      const stamps = results.filter(({ op }) => op === 'rdtsc').map(({ value }) => value);
      return { accesses: join(false), gaps: join(true), total: ((stamps.at(-1) ?? 0) - (stamps[0] ?? 0)) >>> 0 };
    };

    const longest = spinCycles[host.timing];
    const ways: Record<string, Waiting> = {
      spin: { mode: 'spin', cycles: longest }, // first: JavaScript's compiler gets its samples where they are cheap
      block: { mode: 'block' },
      adaptive: { mode: 'adaptive', cycles: longest },
    };
    for (const [way, waiting] of Object.entries(ways)) {
      for (const server of servers) await deviceModel.setWaiting(waiting, server);
      const warmup = way === 'spin' ? 3_000 : 200;
      await guest.run((program) => {
        for (const server of servers) program.sample({ warmup, count: 1 }, (op) => op.in(ports[server], 1));
        return program;
      });
      const burst = await run((program) => program.sample({ count: 1_000 }, (op) => op.in(ports.a, 1)));
      await record(`waiting.burst.${way}`, burst.accesses);
      const sparse = await run((program) => {
        for (let i = 0; i < 30; i++) gap(program).sample({ count: 1 }, (op) => op.in(ports.a, 1));
        return program;
      });
      await record(`waiting.sparse.${way}`, sparse.accesses);
      const mixed = await run((program) => {
        program.rdtsc();
        for (let i = 0; i < 20; i++) {
          for (const server of servers) program.sample({ count: 8 }, (op) => op.in(ports[server], 1));
          gap(program);
        }
        return program.rdtsc();
      });
      await record(`waiting.mixed.${way}`, mixed.accesses);
      await record(`waiting.gap.${way}`, mixed.gaps);
      await record(`waiting.total.${way}`, Uint32Array.of(mixed.total));
    }
    for (const server of servers) {
      const { counters } = await deviceModel.closeServer(server);
      expect(counters).toMatchObject({ unclaimed: 0, malformed: 0, collections: 0 });
    }
  },
);
