import { createGuestResultSchema, type AgentEvent, type Environment, type Request } from '../../src/agent/protocol.ts';
import { CONTROL_PORT } from '../../guests/program/index.ts';
import type { Requester } from './agent-connection.ts';
import type { GuestIdentity } from './guest-session.ts';

/** Every guest gets four vCPUs, on the host's second processor and beyond, so that it never competes with dom0's. */
const shape = { vcpus: 4, memoryMiB: 64 } as const;

/**
 * The guests of a host: one for each environment, shared by the scenarios one after the other, made when it is first
 * needed and again after it was lost.
 */
export class GuestPool {
  readonly #agent: Requester<Request>;
  /** The workload's path in dom0. */
  readonly kernel: string;
  readonly #cpus: string;
  readonly #guests = new Map<Environment, { readonly name: string; readonly made: Promise<GuestIdentity> }>();
  #made = 0;

  /**
   * @param kernel the workload's path in dom0
   * @param cpus the processors for the guests' vCPUs, as xl's `cpus`
   */
  constructor(agent: Requester<Request>, kernel: string, cpus: string) {
    this.#agent = agent;
    this.kernel = kernel;
    this.#cpus = cpus;
  }

  /** The guest of an environment, ready for programs. */
  async acquire(environment: Environment): Promise<GuestIdentity> {
    const known = this.#guests.get(environment);
    if (known !== undefined) return await known.made;
    const name = `${environment}-${++this.#made}`;
    const made = this.#create(name, environment);
    this.#guests.set(environment, { name, made });
    try {
      return await made;
    } catch (error) {
      this.#forget(name);
      throw error;
    }
  }

  /** Ends a guest that is not fit for another scenario. */
  async discard(name: string): Promise<void> {
    this.#forget(name);
    await this.#agent.request({ do: 'destroyGuest', guest: name });
  }

  /** To be told what the agent says: a guest that is gone is not given out again. */
  hear(event: AgentEvent): void {
    if (event.event === 'guestGone' || event.event === 'deviceModelGone') this.#forget(event.guest);
  }

  async #create(name: string, environment: Environment): Promise<GuestIdentity> {
    const { result } = await this.#agent.request({
      do: 'createGuest',
      guest: name,
      environment,
      kernel: this.kernel,
      controlPort: CONTROL_PORT,
      cpus: this.#cpus,
      ...shape,
    });
    return { name, environment, vcpus: shape.vcpus, domid: createGuestResultSchema.parse(result).domid };
  }

  #forget(name: string): void {
    for (const [environment, guest] of this.#guests) if (guest.name === name) this.#guests.delete(environment);
  }
}
