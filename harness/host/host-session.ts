import {
  hostEnvironmentSchema,
  protocolVersion,
  type AgentEvent,
  type HostEnvironment,
  type Request,
} from '../../src/agent/protocol.ts';
import type { Bundle } from '../deploy/bundle.ts';
import { deploy } from '../deploy/deploy.ts';
import { AgentConnection } from './agent-connection.ts';
import { GuestPool } from './guest-pool.ts';
import { SshConnection } from './ssh/ssh-connection.ts';
import type { SshTarget } from './ssh-target.ts';

/** What a host session is opened with. */
export interface HostSessionOptions {
  readonly target: SshTarget;
  readonly bundle: Bundle;
  /** Names the run to others who want the host: lower-case letters, digits and dashes. */
  readonly run: string;
  /** The host's processors for guests, as xl's `cpus`. */
  readonly guestCpus: string;
  /** Says what is being done. */
  readonly note?: (text: string) => void;
  readonly signal?: AbortSignal;
}

/** A host that this run has to itself: connected, deployed, with the agent running. */
export class HostSession implements AsyncDisposable {
  readonly agent: AgentConnection<Request>;
  readonly guests: GuestPool;
  readonly environment: HostEnvironment;
  readonly #ssh: SshConnection;

  private constructor(
    ssh: SshConnection,
    agent: AgentConnection<Request>,
    guests: GuestPool,
    environment: HostEnvironment,
  ) {
    this.#ssh = ssh;
    this.agent = agent;
    this.guests = guests;
    this.environment = environment;
    agent.onEvent((event) => guests.hear(event));
  }

  /** @throws LabError with blame `host` when it cannot be reached, deployed to, or is in use */
  static async open(options: HostSessionOptions): Promise<HostSession> {
    const { target, bundle, run, note = () => undefined, signal } = options;
    note('connecting');
    const ssh = await SshConnection.open(target, signal);
    let agent: AgentConnection<Request> | undefined;
    try {
      const deployment = await deploy(ssh, bundle, { note, signal });
      note('starting the agent');
      const channel = await ssh.start([deployment.node, deployment.agent]);
      agent = new AgentConnection<Request>(channel, target.address, channel.stderr);
      await agent.request({ do: 'hello', version: protocolVersion, run }, [], signal);
      const { result } = await agent.request({ do: 'environment' }, [], signal);
      const environment = hostEnvironmentSchema.parse(result);
      return new HostSession(ssh, agent, new GuestPool(agent, deployment.guest, options.guestCpus), environment);
    } catch (error) {
      await agent?.[Symbol.asyncDispose]();
      await ssh[Symbol.asyncDispose]();
      throw error;
    }
  }

  onEvent(listener: (event: AgentEvent) => void): () => void {
    return this.agent.onEvent(listener);
  }

  /** Resolves when the connection to the host is gone, with the reason if it was not we who ended it. */
  get lost(): Promise<Error | undefined> {
    return this.#ssh.closed;
  }

  /** Xen's log; guests' console lines are in it as `(dN) ...`. */
  async xenLog(): Promise<string> {
    const { blobs } = await this.agent.request({ do: 'xenLog' });
    return Buffer.from(blobs[0] ?? []).toString('utf8');
  }

  /** Ends the connection and leaves the host to itself: the agent notices, but nobody waits until it is done. */
  async abandon(): Promise<void> {
    await this.#ssh[Symbol.asyncDispose]();
  }

  /** Ends the agent, and with it all guests and servers, and the connection. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.agent[Symbol.asyncDispose]();
    await this.#ssh[Symbol.asyncDispose]();
  }
}
