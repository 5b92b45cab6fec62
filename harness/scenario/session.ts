import { createConnection, type Socket } from 'node:net';
import type { AgentEvent, Environment } from '../../src/agent/protocol.ts';
import { AgentConnection } from '../host/agent-connection.ts';
import { GuestSession } from '../host/guest-session.ts';
import { guestIdentitySchema, type RelayRequest } from '../host/relay.ts';
import type { RunContext } from './run-context.ts';

/** The scenarios' way to their host: one for all files that a worker runs. */
export class Session {
  readonly context: RunContext;
  readonly #connection: AgentConnection<RelayRequest>;
  readonly #guests = new Map<string, GuestSession>();

  private constructor(context: RunContext, connection: AgentConnection<RelayRequest>) {
    this.context = context;
    this.#connection = connection;
  }

  static async open(context: RunContext): Promise<Session> {
    const socket = await new Promise<Socket>((resolve, reject) => {
      const connecting = createConnection(context.relay, () => resolve(connecting));
      connecting.once('error', reject);
    });
    return new Session(context, new AgentConnection<RelayRequest>(socket, context.host.name));
  }

  onEvent(listener: (event: AgentEvent) => void): () => void {
    return this.#connection.onEvent(listener);
  }

  /** The guest of an environment; made when there is none. */
  async acquireGuest(environment: Environment): Promise<GuestSession> {
    const { result } = await this.#connection.request({ do: 'acquireGuest', environment });
    const identity = guestIdentitySchema.parse(result);
    const guest = this.#guests.get(identity.name) ?? new GuestSession(this.#connection, identity);
    this.#guests.set(identity.name, guest);
    return guest;
  }

  /** Ends a guest that is not fit for another scenario. */
  async discardGuest(guest: GuestSession): Promise<void> {
    this.#guests.delete(guest.name);
    await this.#connection.request({ do: 'discardGuest', guest: guest.name });
  }

  /** Xen's log, as far back as its ring goes. */
  async xenLog(): Promise<string> {
    const { blobs } = await this.#connection.request({ do: 'xenLog' });
    return Buffer.from(blobs[0] ?? []).toString('utf8');
  }

  async close(): Promise<void> {
    await this.#connection[Symbol.asyncDispose]();
  }
}
