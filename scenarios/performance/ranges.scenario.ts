/**
 * # Background
 * A server may own 256 ranges of ports and 256 of memory (MAX_NR_IO_RANGES). Xen walks its sorted list for each access
 * (find_range in xen/common/rangeset.c), the device model looks the address up as well.
 *
 * # Method
 * As `performance/ladder`, but the C server and the TypeScript one own 256 registers of each kind, and the access goes to
 * the last: the longest way for Xen, alike for both, and the deepest for a binary search.
 *
 * # Limits
 * As those of the ladder.
 */
import { expect, HOLE_BELOW_4G, scenario } from 'ioreqlab/scenario';
import { Climber, spinCycles, type Climb } from './climb.ts';
import manyRegisters from './many-registers.device.ts';

const registers = 256;
const ports = Array.from({ length: registers }, (_, i) => 0x6000 + 8 * i);
const addresses = Array.from({ length: registers }, (_, i) => Number(HOLE_BELOW_4G.start) + 8 * i);
const [port, address] = [ports.at(-1) ?? 0, addresses.at(-1) ?? 0];
const qemuPort = 0x64;

scenario(
  'the round trip of one access with 256 ranges',
  { environments: ['hvm'], vcpus: 1, alone: true, tags: ['performance'], timeoutMs: 900_000 },
  async ({ host, guest, deviceModel, record }) => {
    const climber = new Climber({ guest, deviceModel, record }, 'ranges', 2_000);
    const climb = async (rung: string, op: Climb['op'], warmup: number): Promise<void> =>
      await climber.climb({ rung, op, warmup });
    /** Both kinds of access, each checked before and after: the register holds what only this server was given. */
    const climbServer = async (rung: string, server: string, warmup: number): Promise<void> => {
      const value = server === 'ts' ? 0x5a : 0x3c;
      const ask = async (): Promise<void> => {
        const { results } = await guest.run((program) => program.in(port, 1).load(address, 4));
        expect(results.map((one) => one.value)).toEqual([value, value]);
      };
      await ask();
      await climb(rung, (op) => op.in(port, 1), warmup);
      await climb(`${rung}-memory`, (op) => op.load(address, 4), warmup);
      await ask();
    };

    const at = Object.fromEntries([
      ...ports.map((base, i) => [`port${i}`, base] as const),
      ...addresses.map((base, i) => [`memory${i}`, base] as const),
    ]);
    for (const server of ['ts', 'c'] as const) {
      if (server === 'ts') await deviceModel.attach(manyRegisters, { server, at });
      else await deviceModel.attachReference({ server, ports, addresses });
      const value = server === 'ts' ? 0x5a : 0x3c;
      await guest.run((program) => program.out(port, 1, value).store(address, 4, value));
      // Blocking first: while a server spins, JavaScript's compiler, a thread beside it, hardly gets to work.
      await deviceModel.setWaiting({ mode: 'block' }, server);
      await climbServer(server, server, 5_000);
      await deviceModel.setWaiting({ mode: 'spin', cycles: spinCycles[host.timing] }, server);
      await climbServer(`${server}-spin`, server, 300);
      if (server === 'c') await climb('qemu', (op) => op.in(qemuPort, 1), 300);
      await deviceModel.closeServers();
    }
  },
);
