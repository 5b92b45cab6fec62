import type { Program } from '../../guests/program/index.ts';
import { predict, type OracleRun, type Prediction, type TraceSetup } from '../../src/model/oracle/check-trace.ts';
import { stepsOf } from '../oracle/steps-of.ts';
import type { Recipe } from '../replay/recipe.ts';
import { fuzzDevice, KnownParts, partsOfAttach } from './known-devices.ts';
import type { Layout } from './layout.ts';

/** A program for each vCPU of a layout, and how much they make. */
export interface SafePrograms {
  readonly programs: readonly Program[];
  /** Requests to servers, as they are expected. */
  readonly requests: number;
}

/** The run of programs on a layout whose devices begin anew, as the oracle takes it. */
export function runOf(layout: Layout, programs: readonly Program[]): OracleRun {
  return {
    label: 'run',
    servers: layout.servers.map(({ name }) => ({
      name,
      ranges: layout.parts
        .filter(({ server }) => server === name)
        .map(({ space, at, size }) => ({
          kind: space,
          start: BigInt(at),
          end: BigInt(space === 'pci' ? at : at + size - 1),
        })),
    })),
    vcpus: programs.map((program, vcpu) => ({ vcpu, steps: stepsOf(program, undefined) })),
    devices: new KnownParts(layout.parts),
    isSeparate: true,
  };
}

/** What is not to be tried: Xen would crash the domain, or never let it go on; or what comes after could not be known. */
function isUnsafe({ outcome, isGuess }: Prediction, operation: Program['operations'][number] | undefined): boolean {
  if (outcome?.kind === 'crash' || outcome?.kind === 'livelock') return true;
  return isGuess && operation?.op !== 'in' && operation?.op !== 'load';
}

/** Of accesses to QEMU, which are slow and of which nothing is known, one in so many is left. */
const qemuShare = 8;

/**
 * The programs without the operations that are not to be tried on that Xen.
 *
 * @param isThinned without most accesses to what is nobody's, too, where QEMU would get them
 */
export function makeSafe(
  setup: TraceSetup,
  layout: Layout,
  programs: readonly Program[],
  isThinned = false,
): SafePrograms {
  for (let kept = programs, isQemus = isThinned && layout.environment === 'hvm'; ; isQemus = false) {
    const run = runOf(layout, kept);
    const steps = run.vcpus.map((vcpu) => vcpu.steps);
    const unsafe = kept.map(() => new Set<number>());
    const next = kept.map(() => 0);
    let requests = 0;
    for (const { vcpu, ...prediction } of predict(setup, run)) {
      const at = steps[vcpu]?.[next[vcpu] ?? 0]?.operation ?? 0;
      next[vcpu] = (next[vcpu] ?? 0) + 1;
      requests += prediction.requests;
      const isIdle = prediction.outcome?.kind === 'done' && prediction.requests === 0 && at % qemuShare !== 0;
      if ((isQemus && isIdle) || isUnsafe(prediction, kept[vcpu]?.operations[at])) unsafe[vcpu]?.add(at);
    }
    if (unsafe.every(({ size }) => size === 0)) return { programs: kept, requests };
    // What an operation that is left out has done is part of what was expected of those after it: once more.
    kept = kept.map(({ operations }, vcpu) => ({ operations: operations.filter((_, i) => !unsafe[vcpu]?.has(i)) }));
  }
}

/** Whether a recipe may be tried on that Xen: of generated ones that are made smaller. */
export function isSafeRecipe(setup: TraceSetup, { environment, vcpus, steps }: Recipe): boolean {
  const servers = steps.flatMap((step) => (step.do === 'server' ? [{ name: step.server, options: {} }] : []));
  const parts = steps.flatMap((step) =>
    step.do === 'attach' && step.device === fuzzDevice ? partsOfAttach(step) : [],
  );
  const layout: Layout = { environment, vcpus, servers, parts };
  return steps.every((step) => step.do !== 'run' || isSafe(setup, layout, step.programs));
}

function isSafe(setup: TraceSetup, layout: Layout, programs: readonly Program[]): boolean {
  const safe = makeSafe(setup, layout, programs);
  return safe.programs.every(({ operations }, i) => operations.length === programs[i]?.operations.length);
}
