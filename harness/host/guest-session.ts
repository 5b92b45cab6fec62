import {
  decodeResults,
  encodeProgram,
  ProgramBuilder,
  resultBytes,
  WINDOW,
  windowAddress,
  type Program,
  type ProgramResults,
} from '../../guests/program/index.ts';
import { closeServersResultSchema, type Environment } from '../../src/agent/protocol.ts';
import type { DispatchCounters } from '../../src/server/dispatcher.ts';
import type { AgentConnection } from './agent-connection.ts';
import type { GuestOptions } from './host-session.ts';

/** A program, or what builds one. */
export type ProgramSource = Program | ((program: ProgramBuilder) => ProgramBuilder);

/** What a server left when it was closed. */
export interface ServerReport {
  readonly server: string;
  /** Xen's id. */
  readonly xenId: number;
  readonly counters: DispatchCounters | undefined;
  /** Records for `readTrace` of src/trace. */
  readonly trace: Uint8Array;
}

/** A guest, and its device-model process in dom0. */
export class GuestSession {
  /** Unique on its host in this run. */
  readonly name: string;
  readonly domid: number;
  readonly environment: Environment;
  readonly vcpus: number;
  readonly #agent: AgentConnection;
  #sequence = 0;

  constructor(agent: AgentConnection, name: string, domid: number, options: GuestOptions) {
    this.#agent = agent;
    this.name = name;
    this.domid = domid;
    this.environment = options.environment;
    this.vcpus = options.vcpus;
  }

  /** Runs a program on vCPU 0. */
  async run(source: ProgramSource, signal?: AbortSignal): Promise<ProgramResults> {
    const [results] = await this.runAll([source], signal);
    return results as ProgramResults;
  }

  /**
   * Runs one program per vCPU at the same time, the first on vCPU 0.
   *
   * @throws LabError what went wrong with the guest, its device model or the host; the signal's reason
   */
  async runAll(sources: readonly ProgramSource[], signal?: AbortSignal): Promise<ProgramResults[]> {
    const sequence = ++this.#sequence;
    const programs = sources.map((source) => (typeof source === 'function' ? source(new ProgramBuilder()).build() : source));
    const participants = (1 << programs.length) - 1;
    const blobs = programs.map((program, vcpu) => encodeProgram(program, { sequence, vcpu, participants }));
    const { blobs: windows } = await this.#agent.request(
      {
        do: 'execute',
        guest: this.name,
        writes: programs.map((_, vcpu) => windowAddress(vcpu) + WINDOW.programOffset),
        start: programs.map((_, vcpu) => vcpu),
        reads: programs.map((program, vcpu) => ({
          address: windowAddress(vcpu) + WINDOW.resultOffset,
          length: resultBytes(program),
        })),
      },
      blobs,
      signal,
    );
    return programs.map((program, vcpu) => decodeResults(windows[vcpu] ?? new Uint8Array(), program, { sequence, vcpu }));
  }

  /** A copy of guest-physical memory. */
  async readMemory(address: number, length: number): Promise<Uint8Array> {
    const { blobs } = await this.#agent.request({ do: 'readMemory', guest: this.name, address, length });
    return blobs[0] ?? new Uint8Array();
  }

  async writeMemory(address: number, bytes: Uint8Array): Promise<void> {
    await this.#agent.request({ do: 'writeMemory', guest: this.name, address }, [bytes]);
  }

  /** Creates an ioreq server with a worker of its own. `spinCycles`: TSC cycles to look before blocking. */
  async createServer(server: string, spinCycles: number): Promise<void> {
    await this.#agent.request({ do: 'createServer', guest: this.name, server, spinCycles });
  }

  /** Makes a device on a server; accesses reach it when this resolves. */
  async attach(server: string, device: string, options: unknown, at: Readonly<Record<string, number>>): Promise<void> {
    await this.#agent.request({ do: 'attach', guest: this.name, server, device, options, at: { ...at } });
  }

  /** Lets the C yardstick serve a server, with a 4-byte register at each port. */
  async attachReference(server: string, ports: readonly number[]): Promise<void> {
    await this.#agent.request({ do: 'attachReference', guest: this.name, server, ports: [...ports] });
  }

  /** Closes all servers in order and brings back what they saw. */
  async closeServers(): Promise<ServerReport[]> {
    const { result, blobs } = await this.#agent.request({ do: 'closeServers', guest: this.name });
    return closeServersResultSchema
      .parse(result)
      .servers.map(({ server, xenId, counters }, i) => ({ server, xenId, counters, trace: blobs[i] ?? new Uint8Array() }));
  }

  /** Ends the guest and its device-model process. */
  async destroy(): Promise<void> {
    await this.#agent.request({ do: 'destroyGuest', guest: this.name });
  }
}
