import type { Environment } from '../../src/agent/protocol.ts';
import type { Params, Timing } from '../../results/index.ts';

/** What the orchestrator tells the worker that runs the scenarios of one host. */
export interface RunContext {
  readonly host: {
    readonly name: string;
    readonly kind: 'emulated' | 'ssh';
    readonly timing: Timing;
  };
  /** Socket of the {@link Relay}; empty when scenarios are only listed. */
  readonly relay: string;
  /** The run's directory; empty when scenarios are only listed. */
  readonly directory: string;
  /** Where scenario files are: ids are paths below it. */
  readonly scenarios: string;
  /** Environments that were asked for; all when absent. */
  readonly environments?: readonly Environment[];
  /** How often each scenario runs. */
  readonly repeat: number;
}

/** What a scenario's test carries for the reporter. */
export interface ScenarioMeta {
  readonly title: string;
  readonly params: Params;
  readonly repetition?: number;
  /** Metrics of src results' schema, as they are recorded. */
  metrics?: unknown[];
}

declare module 'vitest' {
  interface ProvidedContext {
    ioreqlab: RunContext;
  }
  interface TaskMeta {
    ioreqlab?: ScenarioMeta;
  }
}
