import type { ProgramResults } from '../../guests/program/index.ts';
import type { AgentEvent } from '../../src/agent/protocol.ts';
import type { Device } from '../../src/device/index.ts';
import { checkTrace, type ConfigLatch, type OracleRun, type TraceServer } from '../../src/model/oracle/check-trace.ts';
import type { Comparison } from '../../src/model/oracle/describe.ts';
import { readTrace, type TraceRecord } from '../../src/trace/record.ts';
import { fuzzDevice, KnownParts, partsOfAttach } from '../fuzz/known-devices.ts';
import type { GuestSession } from '../host/guest-session.ts';
import { setupOf } from '../oracle/guest-frames.ts';
import { stepsOf } from '../oracle/steps-of.ts';
import { DeviceModel } from '../scenario/device-model.ts';
import type { RecipeStep } from './recipe.ts';

type RunStep = Extract<RecipeStep, { do: 'run' }>;

/** What a run left: to be compared when there is time for it, in the order of the runs. */
export interface Played {
  readonly run: OracleRun;
  readonly traces: ReadonlyMap<string, readonly TraceRecord[]>;
}

/** Does the steps of a recipe on a guest that it has to itself. */
export class Player {
  readonly #guest: GuestSession;
  readonly #deviceModel: DeviceModel;
  readonly #version: string;
  readonly #deviceNamed: (name: string) => Device;
  /** By server: the sequence of its next record. */
  readonly #looked = new Map<string, number>();
  readonly #latch: ConfigLatch = { address: undefined };
  readonly #resets: (() => Promise<void>)[] = [];
  #attached: Extract<RecipeStep, { do: 'attach' }>[] = [];
  #known: KnownParts | undefined = new KnownParts([]);

  constructor(guest: GuestSession, version: string, deviceNamed: (name: string) => Device) {
    this.#guest = guest;
    this.#version = version;
    this.#deviceNamed = deviceNamed;
    this.#deviceModel = new DeviceModel(guest);
  }

  /** Takes note of what goes wrong in dom0: {@link trouble}. */
  hear(event: AgentEvent): void {
    this.#deviceModel.hear(event);
  }

  /** The first thing that went wrong in dom0, if any. */
  get trouble(): DeviceModel['trouble'] {
    return this.#deviceModel.trouble;
  }

  /**
   * @returns what a run left; undefined for other steps
   * @throws LabError what scenarios get of the same
   */
  async play(step: RecipeStep, signal?: AbortSignal): Promise<Played | undefined> {
    const model = this.#deviceModel;
    switch (step.do) {
      case 'server':
        await model.createServer(step.server, step.options);
        return undefined;
      case 'attach': {
        const { server, options, at, device } = step;
        const attached = await model.attach(this.#deviceNamed(device), { server, options, at });
        this.#attached.push(step);
        if (device !== fuzzDevice) this.#known = undefined;
        else {
          this.#known?.add(partsOfAttach(step));
          this.#resets.push(attached.reset);
        }
        return undefined;
      }
      case 'reference':
        await model.attachReference(step);
        this.#known = undefined;
        return undefined;
      case 'constant':
        await model.attachConstant(step);
        this.#known = undefined;
        return undefined;
      case 'map':
        await model.mapRanges(step.server, step.range);
        return undefined;
      case 'unmap':
        await model.unmapRanges(step.server, step.range);
        return undefined;
      case 'enable':
        await model.setEnabled(step.server, step.isEnabled);
        return undefined;
      case 'close': {
        const names = step.server === undefined ? model.layout.map(({ name }) => name) : [step.server];
        for (const name of names) {
          await model.closeServer(name);
          this.#looked.delete(name);
        }
        this.#attached = this.#attached.filter(({ server }) => !names.includes(server));
        this.#known = undefined;
        return undefined;
      }
      case 'run': {
        const results = await this.#guest.runAll(step.programs, signal);
        const traces = new Map<string, TraceRecord[]>();
        await Promise.all(
          model.layout.map(async ({ name }) => {
            const looked = this.#looked.get(name) ?? 0;
            const records = readTrace(await this.#guest.trace(name, undefined, looked));
            this.#looked.set(name, (records.at(-1)?.sequence ?? looked - 1) + 1);
            traces.set(name, records);
          }),
        );
        return { run: this.#oracleRun(step, results), traces };
      }
    }
  }

  /** The operations of a run, with what is expected of them and what was seen. */
  compare({ run, traces }: Played): Comparison[] {
    return checkTrace(setupOf(this.#guest.environment, this.#version), [run], traces, this.#latch);
  }

  /** Lets the fuzz devices begin anew, before the next run. */
  async reset(): Promise<void> {
    await Promise.all(this.#resets.map(async (reset) => await reset()));
    if (this.#known !== undefined) this.#known = new KnownParts(this.#attached.flatMap(partsOfAttach));
  }

  /** Closes all servers. */
  async close(): Promise<void> {
    await this.#deviceModel.closeServers();
  }

  #oracleRun({ programs, isSeparate }: RunStep, results: readonly ProgramResults[]): OracleRun {
    const servers: TraceServer[] = this.#deviceModel.layout.map(({ name, ranges }) => ({ name, ranges: [...ranges] }));
    const vcpus = programs.map((program, vcpu) => ({ vcpu, steps: stepsOf(program, results[vcpu]?.results ?? []) }));
    return { label: 'run', servers, vcpus, devices: this.#known, isSeparate };
  }
}
