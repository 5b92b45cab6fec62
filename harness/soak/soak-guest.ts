import { CONTROL_PORT, HOLE_BELOW_4G, ProgramBuilder, type Program } from '../../guests/program/index.ts';
import { createGuestResultSchema, type Environment } from '../../src/agent/protocol.ts';
import { GuestSession } from '../host/guest-session.ts';
import type { HostSession } from '../host/host-session.ts';
import pattern from './pattern.device.ts';
import type { Random } from './random.ts';

const vcpus = 4;
const memoryMiB = 64;
/** Servers that a guest has all the time; each has a device with a port and a page of memory. */
const standing = 2;

const portOf = (server: number): number => 0x5000 + 0x10 * server;
const memoryOf = (server: number): number => Number(HOLE_BELOW_4G.start) + 0x1_0000 * server;
const keyOf = (server: number): number => (0x9e37_79b9 * (server + 1)) >>> 0;

/** A guest whose device model is to be killed, and the load on it. */
export class SoakGuest {
  readonly session: GuestSession;
  #servers = 0;

  private constructor(session: GuestSession) {
    this.session = session;
  }

  /** @throws LabError when the guest's device model dies too often meanwhile */
  static async create(
    host: HostSession,
    kernel: string,
    cpus: string,
    name: string,
    environment: Environment,
  ): Promise<SoakGuest> {
    const { result } = await host.agent.request({
      ...{ do: 'createGuest', guest: name, environment, kernel, cpus, vcpus, memoryMiB },
      ...{ controlPort: CONTROL_PORT, survives: true },
    });
    const { domid } = createGuestResultSchema.parse(result);
    return new SoakGuest(new GuestSession(host.agent, { name, domid, environment, vcpus }));
  }

  get name(): string {
    return this.session.name;
  }

  async survive(survives: boolean): Promise<void> {
    await this.session.survive(survives);
  }

  /** Makes the servers that are missing, and one more if asked to. */
  async attach(more = 0): Promise<void> {
    for (; this.#servers < standing + more; this.#servers++) {
      const server = this.#servers;
      await this.session.createServer(`s${server}`);
      const at = { port: portOf(server), memory: memoryOf(server) };
      await this.session.attach(`s${server}`, pattern.name, { key: keyOf(server) }, at);
    }
  }

  get hasExtra(): boolean {
    return this.#servers > standing;
  }

  async close(): Promise<void> {
    await this.session.closeServers();
    this.#servers = 0;
  }

  /**
   * Accesses of all vCPUs to all servers at once.
   *
   * @param accesses of each vCPU
   * @returns how many answers were checked
   * @throws Error what was answered wrongly
   */
  async load(random: Random, accesses: number): Promise<number> {
    const wanted: number[][] = [];
    const programs: Program[] = [];
    for (let vcpu = 0; vcpu < vcpus; vcpu++) {
      const program = new ProgramBuilder().barrier();
      const values = [0];
      for (let i = 0; i < accesses; i++) {
        const server = random.below(this.#servers);
        const offset = 4 * random.below(1024);
        switch (random.below(4)) {
          case 0:
            program.out(portOf(server), 4, random.u32());
            values.push(-1);
            break;
          case 1:
            program.load(memoryOf(server) + offset, 4);
            values.push((keyOf(server) ^ offset) >>> 0);
            break;
          default:
            program.in(portOf(server), 4);
            values.push(keyOf(server));
        }
      }
      programs.push(program.build());
      wanted.push(values);
    }
    const seen = await this.session.runAll(programs);
    let checked = 0;
    seen.forEach(({ results }, vcpu) => {
      wanted[vcpu]?.forEach((value, i) => {
        const result = results[i];
        if (result === undefined || result.fault !== undefined || result.timedOut) {
          throw new Error(`vCPU ${vcpu}, access ${i} of ${this.name}: ${JSON.stringify(result?.fault ?? 'not done')}`);
        }
        if (i === 0 || value < 0) return;
        checked++;
        if (result.value !== value) {
          throw new Error(
            `vCPU ${vcpu}, access ${i} of ${this.name} got 0x${result.value.toString(16)} for 0x${value.toString(16)}`,
          );
        }
      });
    });
    return checked;
  }
}
