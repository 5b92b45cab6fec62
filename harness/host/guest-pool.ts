import { createGuestResultSchema, type AgentEvent, type Environment, type Request } from '../../src/agent/protocol.ts';
import { CONTROL_PORT } from '../../guests/program/index.ts';
import type { Requester } from './agent-connection.ts';
import type { GuestIdentity } from './guest-session.ts';

/** vCPUs of a guest, unless a scenario wants another number. */
export const defaultVcpus = 4;
const memoryMiB = 64;

/**
 * The guests of a host: one for each environment and number of vCPUs, shared by the scenarios one after the other, made
 * when it is first needed and again after it was lost. They run on the host's second processor and beyond, so that they
 * never compete with dom0.
 */
export class GuestPool {
  readonly #agent: Requester<Request>;
  /** The workload's path in dom0. */
  readonly kernel: string;
  readonly #cpus: string;
  readonly #guests = new Map<string, { readonly name: string; readonly made: Promise<GuestIdentity> }>();
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

  /**
   * The guest of an environment with so many vCPUs, ready for programs.
   *
   * @param alone ends all others first: guests that only wait cost those that are timed 0.7 % of a blocking round trip
   */
  async acquire(environment: Environment, vcpus = defaultVcpus, alone = false): Promise<GuestIdentity> {
    const shape = `${environment} ${vcpus}`;
    if (alone) await this.#endOthers(shape);
    const known = this.#guests.get(shape);
    if (known !== undefined) return await known.made;
    const name = `${environment}-${++this.#made}`;
    const made = this.#create(name, environment, vcpus);
    this.#guests.set(shape, { name, made });
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

  async #endOthers(shape: string): Promise<void> {
    const others = [...this.#guests].filter(([other]) => other !== shape);
    for (const [, { name, made }] of others) {
      const isMade = await made.then(
        () => true,
        () => false,
      );
      if (isMade) await this.discard(name);
    }
  }

  async #create(name: string, environment: Environment, vcpus: number): Promise<GuestIdentity> {
    const { result } = await this.#agent.request({
      do: 'createGuest',
      guest: name,
      environment,
      kernel: this.kernel,
      controlPort: CONTROL_PORT,
      cpus: this.#cpus,
      vcpus,
      memoryMiB,
    });
    return { name, environment, vcpus, domid: createGuestResultSchema.parse(result).domid };
  }

  #forget(name: string): void {
    for (const [shape, guest] of this.#guests) if (guest.name === name) this.#guests.delete(shape);
  }
}
