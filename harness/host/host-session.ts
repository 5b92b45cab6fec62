import {
  createGuestResultSchema,
  hostEnvironmentSchema,
  type AgentEvent,
  type Environment,
  type HostEnvironment,
} from '../../src/agent/protocol.ts';
import type { Bundle } from '../deploy/bundle.ts';
import { deploy, type Deployment } from '../deploy/deploy.ts';
import { AgentConnection } from './agent-connection.ts';
import { GuestSession } from './guest-session.ts';
import { SshConnection } from './ssh/ssh-connection.ts';
import type { SshTarget } from './ssh-target.ts';
import { CONTROL_PORT } from '../../guests/program/index.ts';

/** What a host session is opened with. */
export interface HostSessionOptions {
  readonly target: SshTarget;
  readonly bundle: Bundle;
  /** Names the run to others who want the host: lower-case letters, digits and dashes. */
  readonly run: string;
  /** Says what is being done. */
  readonly note?: (text: string) => void;
  readonly onEvent?: (event: AgentEvent) => void;
  readonly signal?: AbortSignal;
}

/** What a guest is made of. */
export interface GuestOptions {
  readonly environment: Environment;
  readonly vcpus: number;
  readonly memoryMiB: number;
  /** The host's processors for its vCPUs, as xl's `cpus`. */
  readonly cpus: string;
}

/** A host that this run has to itself: connected, deployed, with the agent running. */
export class HostSession implements AsyncDisposable {
  readonly #ssh: SshConnection;
  readonly #agent: AgentConnection;
  readonly #deployment: Deployment;
  #guests = 0;

  private constructor(ssh: SshConnection, agent: AgentConnection, deployment: Deployment) {
    this.#ssh = ssh;
    this.#agent = agent;
    this.#deployment = deployment;
  }

  /** @throws LabError with blame `host` when it cannot be reached, deployed to, or is in use */
  static async open(options: HostSessionOptions): Promise<HostSession> {
    const { target, bundle, run, note = () => undefined, signal } = options;
    note('connecting');
    const ssh = await SshConnection.open(target, signal);
    try {
      const deployment = await deploy(ssh, bundle, note);
      note('starting the agent');
      const agent = await AgentConnection.start(ssh, deployment, run);
      if (options.onEvent) agent.onEvent(options.onEvent);
      return new HostSession(ssh, agent, deployment);
    } catch (error) {
      await ssh[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** What the host is. */
  async environment(): Promise<HostEnvironment> {
    const { result } = await this.#agent.request({ do: 'environment' });
    return hostEnvironmentSchema.parse(result);
  }

  /** Xen's log; guests' console lines are in it as `(dN) ...`. */
  async xenLog(): Promise<string> {
    const { blobs } = await this.#agent.request({ do: 'xenLog' });
    return Buffer.from(blobs[0] ?? []).toString('utf8');
  }

  /** Creates and starts a guest; it is ready for programs when this resolves. */
  async createGuest(options: GuestOptions, signal?: AbortSignal): Promise<GuestSession> {
    const guest = `${options.environment}-${++this.#guests}`;
    const { result } = await this.#agent.request(
      { do: 'createGuest', guest, kernel: this.#deployment.guest, controlPort: CONTROL_PORT, ...options },
      [],
      signal,
    );
    return new GuestSession(this.#agent, guest, createGuestResultSchema.parse(result).domid, options);
  }

  /** Ends the agent, and with it all guests and servers, and the connection. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent[Symbol.asyncDispose]();
    await this.#ssh[Symbol.asyncDispose]();
  }
}
