import { CONTROL_PORT, ProgramBuilder, type Program, type ProgramResults } from '../../../guests/program/index.ts';
import { DeviceModel } from '../../../src/agent/device-model.ts';
import {
  guestRequestSchema,
  parseRequest,
  type AgentEvent,
  type Environment,
  type GuestRequest,
  type Request,
} from '../../../src/agent/protocol.ts';
import type { Device } from '../../../src/device/index.ts';
import { deviceNamed } from '../../../src/device/registry.ts';
import { isLabError, LabError } from '../../../src/errors.ts';
import { InProcess } from '../../../src/model/in-process/in-process.ts';
import type { Seams } from '../../../src/model/in-process/seams.ts';
import { notOnModel, notOnModelCode } from '../../../src/model/in-process/not-on-model.ts';
import { fromWire, toWire } from '../../../src/wire-error.ts';
import type { AgentReply } from '../agent-connection.ts';
import type { XenVersion } from '../emulated/xen-versions.ts';
import { GuestSession, type ProgramSource } from '../guest-session.ts';
import { ProgramRunner } from './program-runner.ts';

/** What a {@link ModelGuest} is made of. */
export interface ModelGuestOptions {
  readonly name: string;
  readonly xen: XenVersion;
  readonly environment: Environment;
  readonly vcpus: number;
  /** What would come from the agent. */
  readonly onEvent: (event: AgentEvent) => void;
  readonly seams?: Seams | undefined;
}

/** The same as every other guest has: harness/host/guest-pool.ts. */
const memoryMiB = 64;

/**
 * A guest of the model: the session of every other guest, and the device model of dom0, but in this thread; the programs
 * are interpreted instead of executed. Its vCPUs wait at the control port as those of the workload guest do.
 */
export class ModelGuest extends GuestSession {
  readonly #guest: InProcess;
  readonly #deviceModel: DeviceModel;
  readonly #runner: ProgramRunner;
  readonly #devices: Map<string, Device>;
  readonly #limits: LabError[];
  #runs = 0;
  #running = 0;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(
    { name, environment, vcpus }: ModelGuestOptions,
    guest: InProcess,
    deviceModel: DeviceModel,
    devices: Map<string, Device>,
  ) {
    const limits: LabError[] = [];
    super(
      { request: async (request, blobs = []) => await answer(deviceModel, request, blobs, limits) },
      { name, environment, vcpus, domid: guest.domid },
    );
    this.#guest = guest;
    this.#deviceModel = deviceModel;
    this.#devices = devices;
    this.#limits = limits;
    this.#runner = new ProgramRunner(guest, (error) => limits.push(error));
  }

  static async make(options: ModelGuestOptions): Promise<ModelGuest> {
    const { name, xen, environment, vcpus, onEvent, seams = {} } = options;
    const devices = new Map<string, Device>();
    const guest = new InProcess({
      ...{ xen, environment, vcpus, memoryMiB, seams },
      deviceNamed: (device) => devices.get(device) ?? deviceNamed(device),
    });
    const { addon, workers, domid } = guest;
    const foreign = addon.serversOf(domid);
    const deviceModel = new DeviceModel(
      { guest: name, domid, vcpus, environment, controlPort: CONTROL_PORT, addonFile: '', workerFile: '', foreign },
      { addon, workers, send: (message) => 'event' in message && onEvent(message.event) },
    );
    await deviceModel.setUp();
    for (let vcpu = 0; vcpu < vcpus; vcpu++) guest.ask(vcpu, CONTROL_PORT);
    return new ModelGuest(options, guest, deviceModel, devices);
  }

  override get isBusy(): boolean {
    return this.#running > 0;
  }

  override get limit(): LabError | undefined {
    return this.#limits[0] ?? this.#guest.addon.limits[0];
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
    this.#running++;
    const running = this.#last.then(async () => await this.#execute(programs, signal));
    this.#last = running.then(
      () => void this.#running--,
      () => undefined, // as on a host: who knows what state it is in
    );
    const results = await running;
    this.onRan?.(programs, results);
    return results;
  }

  /** Ends its servers. */
  async end(): Promise<void> {
    await this.#deviceModel.close(false);
  }

  /** What the workload guest does when its vCPUs are told to run: guests/workload/control.c. */
  async #execute(programs: readonly Program[], signal: AbortSignal | undefined): Promise<ProgramResults[]> {
    const start = programs.map((_, vcpu) => vcpu);
    // Those that were let ask anew while another program ran.
    for (let vcpu = 0; vcpu < this.vcpus; vcpu++) {
      if (this.#guest.answerOf(vcpu) !== undefined) this.#guest.ask(vcpu, CONTROL_PORT);
    }
    // Programs and results do not pass through the guest's memory; all else goes the way of a host.
    const idle = this.#deviceModel.handle({ do: 'execute', guest: this.name, writes: [], start, reads: [] }, []);
    idle.catch(() => undefined); // thrown below
    for (const vcpu of start) await this.#told(vcpu);
    const results = await this.#runner.run(programs, ++this.#runs, signal);
    for (const vcpu of start) this.#guest.ask(vcpu, CONTROL_PORT);
    await idle;
    return results;
  }

  /** The control server's answer to a vCPU: nothing that it waits for takes more than a few turns of this thread. */
  async #told(vcpu: number): Promise<void> {
    for (let turn = 0; turn < 1_000; turn++) {
      if (this.#guest.answerOf(vcpu) !== undefined) return;
      await new Promise((resolve) => void setImmediate(resolve));
    }
    throw new LabError(`vCPU ${vcpu} waits for work in vain`, { blame: 'deviceModel', code: 'VCPU_BLOCKED' });
  }
}

/** What the device-model process in dom0 does with a request. */
async function answer(
  deviceModel: DeviceModel,
  asked: GuestRequest | Extract<Request, { do: 'survive' }>,
  blobs: readonly Uint8Array[],
  limits: LabError[],
): Promise<AgentReply> {
  try {
    // The device model is part of the guest's process, and of the run's: nothing can outlive it.
    if (asked.do === 'survive') {
      if (asked.survives) throw notOnModel('a device-model process that dies');
      return { result: {}, blobs: [] };
    }
    if (asked.do === 'startFaults') throw notOnModel('a device model that breaks the protocol');
    // As over the wire: what JSON does not hold does not arrive here either.
    const request = parseRequest(guestRequestSchema, JSON.parse(JSON.stringify(asked)));
    const [result, replied] = await deviceModel.handle(request, blobs);
    return { result: JSON.parse(JSON.stringify(result)) as unknown, blobs: replied };
  } catch (error) {
    if (isLabError(error) && error.code === notOnModelCode) limits.push(error);
    throw fromWire(toWire(error));
  }
}
