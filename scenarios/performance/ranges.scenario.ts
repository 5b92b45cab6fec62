/**
 * # Background
 * A server may own 256 ranges of ports and 256 of memory (MAX_NR_IO_RANGES). Xen walks its sorted list for each access
 * (find_range in xen/common/rangeset.c), so that the place in the list counts; the device model looks the address up as
 * well, by a table or a binary search.
 *
 * # Method
 * As `performance/ladder`, with 1, 16 and 256 ranges of each kind, the same in C and in TypeScript.
 * `ranges.<n>.<who>` is a port in the last range, the longest way for Xen; with 256 also one in the first
 * (`ranges.256.first.<who>`) and memory in the last (`ranges.256.memory.<who>`). What nobody owns (`unclaimed`) and what
 * QEMU owns (`qemu`) are looked for in the same lists.
 *
 * # Limits
 * As those of the ladder.
 */
import { expect, HOLE_BELOW_4G, scenario } from 'ioreqlab/scenario';
import { fewRequests, timeAccesses, timeServer, waitings, warmUp, type Access } from './climb.ts';
import manyRegisters from './many-registers.device.ts';

const counts = [1, 16, 256] as const;
const firstPort = 0x6000;

scenario(
  'the round trip of one access with up to 256 ranges',
  {
    environments: ['hvm'],
    vcpus: 1,
    alone: true,
    tags: ['performance'],
    oracle: 'off because there are more requests than a trace keeps',
    timeoutMs: 900_000,
  },
  async ({ host, guest, deviceModel, record, perturb }) => {
    const fixtures = { host, guest, deviceModel, record };
    for (const server of ['ts', 'c'] as const) {
      for (const count of counts) {
        const ports = Array.from({ length: count }, (_, i) => firstPort + 8 * i);
        const addresses = Array.from({ length: count }, (_, i) => Number(HOLE_BELOW_4G.start) + 8 * i);
        const [port, address] = [ports.at(-1) ?? 0, addresses.at(-1) ?? 0];
        if (server === 'c') {
          await deviceModel.attachReference({ server, ports, addresses, scans: perturb.scans });
        } else {
          const at = Object.fromEntries([
            ...ports.map((base, i) => [`port${i}`, base] as const),
            ...addresses.map((base, i) => [`memory${i}`, base] as const),
          ]);
          await deviceModel.attach(manyRegisters, { server, at, options: { count } });
        }
        /** The registers hold what only this server was given. */
        const value = server === 'ts' ? 0x5a : 0x3c;
        const ask = async (): Promise<void> => {
          const { results } = await guest.run((program) => program.in(port, 1).load(address, 4));
          expect(results.map((one) => one.value)).toEqual([value, value]);
        };
        await guest.run((program) => program.out(port, 1, value).store(address, 4, value));
        await ask();
        const last: Access = (op) => op.in(port, 1);
        const first: Access = (op) => op.in(firstPort, 1);
        const memory: Access = (op) => op.load(address, 4);
        await warmUp(fixtures, server, [last, memory], server === 'ts' ? undefined : fewRequests);
        await timeServer(fixtures, { topic: `ranges.${count}`, rung: server, accesses: { '': last } });
        if (count === 256) {
          await timeServer(fixtures, { topic: 'ranges.256.first', rung: server, accesses: { '': first } });
          await timeServer(fixtures, { topic: 'ranges.256.memory', rung: server, accesses: { '': memory } });
        }
        await ask();
        if (server === 'c') {
          await deviceModel.setWaiting(waitings(host.timing)[''], server);
          const topic = `ranges.${count}`;
          await timeAccesses(fixtures, { topic, rung: 'qemu', accesses: { '': (op) => op.in(0x64, 1) } });
          await timeAccesses(fixtures, {
            topic,
            rung: 'unclaimed',
            accesses: { '': (op) => op.in(0xf000, 1) },
            isQuick: true,
          });
        }
        await deviceModel.closeServers();
      }
    }
  },
);
