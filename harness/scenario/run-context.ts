// For its types, before they are added to. At run time nobody loads this file.
import 'vitest';
import type { Environment } from '../../src/agent/protocol.ts';
import type { Harm } from './harm.ts';
import type { HostTiming, KnownSeen, Params } from '../../results/index.ts';

/** What the orchestrator tells the worker that runs the scenarios of one host. */
export interface RunContext {
  readonly host: {
    readonly name: string;
    /** `model`: no Xen, but the model of it in this process. */
    readonly kind: 'emulated' | 'ssh' | 'model';
    /** `none` on the model, where nothing is measured. */
    readonly timing: HostTiming;
    /** The version of Xen that the model stands for. */
    readonly model?: string;
    /** For tests of scenarios: a module, and which of its `breakages` the model has. */
    readonly breakage?: { readonly module: string; readonly name: string };
  };
  /** Socket of the {@link Relay}; empty when scenarios are only listed. */
  readonly relay: string;
  /** The run's directory; empty when scenarios are only listed. */
  readonly directory: string;
  /** Where scenario files are: ids are paths below it. */
  readonly scenarios: string;
  /** Environments that were asked for; all when absent. */
  readonly environments?: readonly Environment[];
  /** What scenarios may take along on this host; all of it when absent. */
  readonly mostHarm?: Harm;
  /** How often each scenario runs. */
  readonly repeat: number;
  /** The repetition that all of them are, when hosts take turns. */
  readonly turn?: number;
}

/** What a scenario's test carries for the reporter. */
export interface ScenarioMeta {
  readonly title: string;
  readonly params: Params;
  /** What it may take along. */
  readonly harms: Harm;
  /** Of the guest that it wants. */
  readonly vcpus: number;
  /** That guest is the only one. */
  readonly alone: boolean;
  /** And nobody has used it before. */
  readonly fresh: boolean;
  readonly repetition?: number;
  /** Metrics of src results' schema, as they are recorded. */
  metrics?: unknown[];
  /** Differences that were seen and are explained, in this attempt. */
  known?: KnownSeen[];
}

declare module 'vitest' {
  interface ProvidedContext {
    ioreqlab: RunContext;
  }
  interface TaskMeta {
    ioreqlab?: ScenarioMeta;
  }
}
