import { ProgramBuilder, type ProgramResults } from '../../../guests/program/index.ts';
import {
  guestRequestSchema,
  parseRequest,
  type AgentEvent,
  type Environment,
  type GuestRequest,
} from '../../../src/agent/protocol.ts';
import type { Device } from '../../../src/device/index.ts';
import { deviceNamed } from '../../../src/device/registry.ts';
import { isLabError, type LabError } from '../../../src/errors.ts';
import { InProcess } from '../../../src/model/in-process/in-process.ts';
import { notOnModel, notOnModelCode } from '../../../src/model/in-process/not-on-model.ts';
import { fromWire, toWire } from '../../../src/wire-error.ts';
import type { AgentReply } from '../agent-connection.ts';
import { GuestSession, type ProgramSource } from '../guest-session.ts';
import type { XenVersion } from '../emulated/xen-versions.ts';
import { ProgramRunner } from './program-runner.ts';

/** What a {@link ModelGuest} is made of. */
export interface ModelGuestOptions {
  readonly name: string;
  readonly xen: XenVersion;
  readonly environment: Environment;
  /** What would come from the agent. */
  readonly onEvent: (event: AgentEvent) => void;
}

/** The same as every other guest has: harness/host/guest-pool.ts. */
const vcpus = 4;
const memoryMiB = 64;

/** Where the control port's server is, which every guest has on a host: ours come after it. */
const controlServer = 'control';

/**
 * A guest of the model: the session of every other guest, but its programs are interpreted, and its device models are in
 * this thread.
 */
export class ModelGuest extends GuestSession {
  readonly #guest: InProcess;
  readonly #runner: ProgramRunner;
  readonly #devices: Map<string, Device>;
  #limit: LabError | undefined;
  #runs = 0;
  #isRunning = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor({ name, xen, environment, onEvent }: ModelGuestOptions) {
    const devices = new Map<string, Device>();
    const guest = new InProcess({
      ...{ xen, environment, vcpus, memoryMiB },
      deviceNamed: (device) => devices.get(device) ?? deviceNamed(device),
      onTrouble: (server, { kind, region, message }) =>
        onEvent(
          kind === 'threw'
            ? { event: 'handlerThrew', guest: name, server, region, message }
            : { event: 'serverFailed', guest: name, server, message },
        ),
    });
    guest.createServer(controlServer);
    super(
      { request: async (request, blobs) => await this.#answer(request, blobs) },
      { name, environment, vcpus, domid: guest.domid },
    );
    this.#guest = guest;
    this.#devices = devices;
    this.#runner = new ProgramRunner(guest, (error) => this.#note(error));
  }

  override get isBusy(): boolean {
    return this.#isRunning > 0;
  }

  override get limit(): LabError | undefined {
    return this.#limit;
  }

  override know(device: Device): void {
    this.#devices.set(device.name, device);
  }

  override async runAll(sources: readonly ProgramSource[], signal?: AbortSignal): Promise<ProgramResults[]> {
    this.checkCount(sources.length);
    const programs = sources.map((source) =>
      typeof source === 'function' ? source(new ProgramBuilder()).build() : source,
    );
    this.onRun?.(programs);
    const sequence = ++this.#runs;
    this.#isRunning++;
    const running = this.#last.then(async () => await this.#runner.run(programs, sequence, signal));
    this.#last = running.catch(() => undefined);
    try {
      return await running;
    } finally {
      this.#isRunning--;
    }
  }

  /** Ends its servers. */
  async end(): Promise<void> {
    await this.#guest[Symbol.asyncDispose]();
  }

  #note(error: LabError): LabError {
    this.#limit ??= error;
    return error;
  }

  /** What the device-model process in dom0 does with a request: src/agent/device-model.ts. */
  async #answer(asked: GuestRequest, blobs: readonly Uint8Array[] = []): Promise<AgentReply> {
    try {
      // As over the wire: what JSON does not hold does not arrive here either.
      const request = parseRequest(guestRequestSchema, JSON.parse(JSON.stringify(asked)));
      return await this.#do(request, blobs);
    } catch (error) {
      if (isLabError(error) && error.code === notOnModelCode) throw this.#note(error);
      throw fromWire(toWire(error));
    }
  }

  async #do(request: GuestRequest, blobs: readonly Uint8Array[]): Promise<AgentReply> {
    const guest = this.#guest;
    const nothing = { result: {}, blobs: [] };
    switch (request.do) {
      case 'createServer':
        guest.createServer(request.server);
        return nothing;
      case 'setSpin':
        guest.server(request.server).setSpin(request.cycles);
        return nothing;
      case 'attach':
        await guest.server(request.server).attach(request.device, request.options, request.at);
        return nothing;
      case 'attachReference':
        guest.server(request.server).attachReference(request.ports);
        return nothing;
      case 'closeServers': {
        const servers: object[] = [];
        const traces: Uint8Array[] = [];
        for (const server of guest.serverNames) {
          if (server === controlServer) continue;
          const { xenId, counters, trace } = await guest.closeServer(server);
          servers.push({ server, xenId, counters });
          traces.push(trace);
        }
        return { result: { servers }, blobs: traces };
      }
      case 'readMemory':
        return { result: {}, blobs: [guest.memory.readBytes(request.address, request.length)] };
      case 'writeMemory':
        for (const blob of blobs) guest.memory.writeBytes(request.address, blob);
        return nothing;
      case 'execute':
        throw notOnModel('programs as bytes');
    }
  }
}
