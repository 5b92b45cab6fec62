import type { Program } from '../../guests/program/index.ts';
import type { Environment } from '../../src/agent/protocol.ts';
import type { TraceRange } from '../../src/model/oracle/check-trace.ts';
import type { ServerOptions } from '../../src/server/server-options.ts';

/** One thing that is done to a guest or with it. */
export type RecipeStep =
  | { readonly do: 'server'; readonly server: string; readonly options?: ServerOptions | undefined }
  | {
      readonly do: 'attach';
      readonly server: string;
      /** Its name. */
      readonly device: string;
      readonly options?: unknown;
      /** Ports, guest-physical addresses, and PCI functions as segment, bus and devfn. */
      readonly at: Readonly<Record<string, number>>;
    }
  | {
      readonly do: 'reference';
      readonly server: string;
      readonly ports: readonly number[];
      readonly addresses: readonly number[];
    }
  | { readonly do: 'constant'; readonly server: string; readonly value: number }
  /** `DeviceModel.mapRanges`, `unmapRanges` of scenarios. */
  | { readonly do: 'map' | 'unmap'; readonly server: string; readonly range: TraceRange }
  | { readonly do: 'enable'; readonly server: string; readonly isEnabled: boolean }
  /** One server, or all. */
  | { readonly do: 'close'; readonly server?: string | undefined }
  | {
      readonly do: 'run';
      /** By vCPU. */
      readonly programs: readonly Program[];
      /** `OracleRun.isSeparate`. */
      readonly isSeparate?: boolean | undefined;
    };

/** What is to be done on a fresh guest, so that something shows. */
export interface Recipe {
  readonly environment: Environment;
  readonly vcpus: number;
  readonly steps: readonly RecipeStep[];
}

/** Operations of all programs together. */
export function countOperations({ steps }: Recipe): number {
  return steps.reduce(
    (sum, step) =>
      step.do === 'run' ? step.programs.reduce((more, { operations }) => more + operations.length, sum) : sum,
    0,
  );
}
