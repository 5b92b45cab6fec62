/**
 * # Background
 * For each request Xen looks through the guest's servers, the highest id first, and more than once (FOR_EACH_IOREQ_SERVER
 * in xen/common/ioreq.c). QEMU has id 0: it pays for all of ours, and so does what nobody owns.
 *
 * # Method
 * 1 to 6 servers of ours beside the control server and QEMU's. `servers.<n>.ts`: the one that was made last;
 * `servers.<n>.ts-first`: the one that was made first; `servers.<n>.qemu`, `servers.<n>.unclaimed`. `-spin` likewise.
 *
 * # Limits
 * As those of the ladder.
 */
import { scenario } from 'ioreqlab/scenario';
import scratch from '../port-io/scratch.device.ts';
import { timeAccesses, timeServer, warmUp } from './climb.ts';

const counts = [1, 2, 6] as const;

scenario(
  'the round trip with 1 to 6 servers of ours',
  {
    environments: ['hvm'],
    vcpus: 1,
    alone: true,
    oracle: 'off because there are more requests than a trace keeps',
    tags: ['performance'],
    timeoutMs: 600_000,
  },
  async ({ host, guest, deviceModel, record }) => {
    const fixtures = { host, guest, deviceModel, record };
    const ports = { first: 0x5000, last: 0x5010 } as const;
    const attach = async (server: keyof typeof ports): Promise<void> => {
      await deviceModel.attach(scratch, { server, at: { register: ports[server] } });
      await warmUp(fixtures, server, [(op) => op.in(ports[server], 1)]);
    };
    await attach('first');
    let made = 1;
    for (const count of counts) {
      // Nobody serves those between, who own nothing: Xen looks through them all the same.
      for (; made < count - 1; made++) await deviceModel.createServer(`between-${made}`);
      if (count > 1) await attach('last');
      const topic = `servers.${count}`;
      const last = count > 1 ? 'last' : 'first';
      await timeServer(fixtures, {
        ...{ topic, rung: 'ts', server: last },
        accesses: { '': (op) => op.in(ports[last], 1) },
      });
      if (count > 1) {
        await timeServer(fixtures, {
          ...{ topic, rung: 'ts-first', server: 'first' },
          accesses: { '': (op) => op.in(ports.first, 1) },
        });
      }
      await timeAccesses(fixtures, { topic, rung: 'qemu', accesses: { '': (op) => op.in(0x64, 1) } });
      await timeAccesses(fixtures, {
        topic,
        rung: 'unclaimed',
        accesses: { '': (op) => op.in(0x5555, 1) },
        isQuick: true,
      });
      // Its id is the lowest that is free: the next one between comes before the next last.
      if (count > 1) await deviceModel.closeServer('last');
    }
  },
);
