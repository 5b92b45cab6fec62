/**
 * # Background
 * A server has a slot for each vCPU; a device model may serve all of them in one thread or each in a thread of its own,
 * QEMU serves all in one, under one lock.
 *
 * # Method
 * 1, 2, 4 and 8 vCPUs read one port at the same time, after a barrier. `vcpus.<n>.<who>` has the round trips of all of
 * them: one worker (`ts`), one for each vCPU (`ts-each`), C (`c`), QEMU (`qemu`). `vcpus.<n>.<who>-total` is the time in which all were
 * done, by the number of round trips.
 *
 * # Limits
 * As those of the ladder: in exact timing nothing runs side by side, so that the total says what the work is, not how fast
 * it is done. Guests of an emulated host share one processor.
 */
import { expect, scenario } from 'ioreqlab/scenario';
import scratch from '../port-io/scratch.device.ts';
import { fewRequests, sampleCount, warmUp, waitings } from './climb.ts';

const ports = { ts: 0x5000, 'ts-each': 0x5010, c: 0x5020, qemu: 0x64 } as const;
const counts = [1, 2, 4, 8] as const;

scenario(
  'the round trip with 1 to 8 vCPUs',
  {
    environments: ['hvm'],
    vcpus: 8,
    alone: true,
    oracle: 'off because there are more requests than a trace keeps',
    tags: ['performance'],
    timeoutMs: 600_000,
  },
  async ({ host, guest, deviceModel, record }) => {
    for (const who of ['ts', 'ts-each', 'c', 'qemu'] as const) {
      const at = ports[who];
      if (who === 'c') await deviceModel.attachReference({ server: who, ports: [at] });
      else if (who !== 'qemu') {
        await deviceModel.createServer(who, { workers: who === 'ts' ? 'one' : 'perVcpu' });
        await deviceModel.attach(scratch, { server: who, at: { register: at } });
        await warmUp({ host, guest, deviceModel }, who, [(op) => op.in(at, 1)], who === 'ts' ? undefined : fewRequests);
      }
      if (who !== 'qemu') await deviceModel.setWaiting(waitings(host.timing)[''], who);
      for (const vcpus of counts) {
        const count = Math.ceil(sampleCount[host.timing] / vcpus);
        const seen = await guest.runAll(
          Array.from({ length: vcpus }, () => (program) => program.barrier().sample({ count }, (op) => op.in(at, 1))),
        );
        const samples = seen.flatMap(({ results }) => [...(results[1]?.samples ?? [])]);
        expect(samples).toHaveLength(count * vcpus);
        await record(`vcpus.${vcpus}.${who}`, Uint32Array.from(samples));
        // The clocks of a guest's vCPUs agree; the first sample begins where the barrier ends.
        const ends = seen.map(({ ended }) => ended);
        const starts = seen.map(({ ended, results }) => ended - BigInt(results[1]?.cycles ?? 0));
        const total = ends.reduce((a, b) => (a > b ? a : b)) - starts.reduce((a, b) => (a < b ? a : b));
        await record(`vcpus.${vcpus}.${who}-total`, Float64Array.of(Number(total) / (count * vcpus)));
      }
      await deviceModel.closeServers();
    }
  },
);
