import { createConnection, type Socket } from 'node:net';
import { hostEnvironmentSchema, type AgentEvent, type Environment } from '../../src/agent/protocol.ts';
import { AgentConnection } from '../host/agent-connection.ts';
import { GuestSession } from '../host/guest-session.ts';
import { guestIdentitySchema, type RelayRequest } from '../host/relay.ts';
import type { RunContext } from './run-context.ts';

/** The scenarios' way to their host: one for all files that a worker runs. */
export interface Session {
  onEvent(listener: (event: AgentEvent) => void): () => void;
  /** The guest of an environment with so many vCPUs; made when there is none. `alone`: all others are ended first. */
  acquireGuest(environment: Environment, vcpus: number, alone: boolean): Promise<GuestSession>;
  /** Ends a guest that is not fit for another scenario. */
  discardGuest(guest: GuestSession): Promise<void>;
  /** Xen's log, as far back as its ring goes. */
  xenLog(): Promise<string>;
  /** Which Xen it is, such as `4.20.5-pre`. */
  xenVersion(): Promise<string>;
  close(): Promise<void>;
}

/** Opens the way to the host of the context. */
export async function openSession(context: RunContext): Promise<Session> {
  if (context.host.model === undefined) return await MachineSession.open(context);
  // Only where it is wanted: loading takes time.
  const { ModelSession } = await import('../host/model/model-session.ts');
  return await ModelSession.open(context.host.model, context.host.breakage);
}

/** The way to a machine with Xen: through the orchestrator, which owns the connection. */
class MachineSession implements Session {
  readonly #connection: AgentConnection<RelayRequest>;
  readonly #guests = new Map<string, GuestSession>();
  #version: Promise<string> | undefined;

  private constructor(connection: AgentConnection<RelayRequest>) {
    this.#connection = connection;
  }

  static async open(context: RunContext): Promise<MachineSession> {
    const socket = await new Promise<Socket>((resolve, reject) => {
      const connecting = createConnection(context.relay, () => resolve(connecting));
      connecting.once('error', reject);
    });
    return new MachineSession(new AgentConnection<RelayRequest>(socket, context.host.name));
  }

  onEvent(listener: (event: AgentEvent) => void): () => void {
    return this.#connection.onEvent(listener);
  }

  async acquireGuest(environment: Environment, vcpus: number, alone: boolean): Promise<GuestSession> {
    const { result } = await this.#connection.request({ do: 'acquireGuest', environment, vcpus, alone });
    const identity = guestIdentitySchema.parse(result);
    const guest = this.#guests.get(identity.name) ?? new GuestSession(this.#connection, identity);
    this.#guests.set(identity.name, guest);
    return guest;
  }

  async discardGuest(guest: GuestSession): Promise<void> {
    this.#guests.delete(guest.name);
    await this.#connection.request({ do: 'discardGuest', guest: guest.name });
  }

  async xenLog(): Promise<string> {
    const { blobs } = await this.#connection.request({ do: 'xenLog' });
    return Buffer.from(blobs[0] ?? []).toString('utf8');
  }

  async xenVersion(): Promise<string> {
    this.#version ??= this.#connection
      .request({ do: 'environment' })
      .then(({ result }) => hostEnvironmentSchema.parse(result).xen['xen_version'] ?? '');
    return await this.#version;
  }

  async close(): Promise<void> {
    await this.#connection[Symbol.asyncDispose]();
  }
}
