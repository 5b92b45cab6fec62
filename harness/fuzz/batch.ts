import * as fc from 'fast-check';
import { layOut } from '../../guests/program/program-layout.ts';
import type { Operation, Program } from '../../guests/program/index.ts';
import type { Environment } from '../../src/agent/protocol.ts';
import type { TraceSetup } from '../../src/model/oracle/check-trace.ts';
import { endOfRam } from '../oracle/guest-frames.ts';
import { extentsOf } from '../replay/signature.ts';
import type { Recipe, RecipeStep } from '../replay/recipe.ts';
import { arbitraryLayout } from './arbitrary-layout.ts';
import { arbitraryOperation, epilogue, prologue } from './arbitrary-program.ts';
import { attachOfParts } from './known-devices.ts';
import type { Layout } from './layout.ts';
import { makeSafe } from './safe.ts';

/** Numbers of one seed that have nothing to do with each other. */
export function seedOf(seed: number, ...path: readonly number[]): number {
  return path.reduce((state, one) => {
    let h = Math.imul(state ^ (one + 0x9e37_79b9), 0x85eb_ca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2_ae35);
    return (h ^ (h >>> 16)) | 0;
  }, seed | 0);
}

/** What fast-check makes of a seed. */
function sampleOf<T>(arbitrary: fc.Arbitrary<T>, seed: number): T {
  const [value] = fc.sample(arbitrary, { seed, numRuns: 1 });
  return value as T;
}

/** The layout of a batch. */
export function makeLayout(seed: number, batch: number, environment: Environment, vcpus: number): Layout {
  return sampleOf(arbitraryLayout(environment, vcpus), seedOf(seed, batch));
}

/** The programs of a run: at most so many operations on each vCPU. */
export interface Run {
  readonly programs: readonly Program[];
  /** Operations that make accesses. */
  readonly operations: number;
  /** Requests that are expected of them. */
  readonly requests: number;
}

/** What a window of the guest has room for. */
function fitting(operations: readonly Operation[], last: readonly Operation[]): Program {
  for (let length = operations.length; ; length = Math.floor(length * 0.9)) {
    const program = { operations: [...operations.slice(0, length), ...last] };
    try {
      layOut(program);
      return program;
    } catch (error) {
      if (length === 0) throw error;
    }
  }
}

/** A run of a batch, of what may be tried on that Xen. */
export function makeRun(setup: TraceSetup, layout: Layout, seed: number, perVcpu: number): Run {
  const programs = Array.from({ length: layout.vcpus }, (_, vcpu) => {
    const operation = arbitraryOperation(layout, vcpu);
    const many = fc.array(operation, { minLength: perVcpu, maxLength: perVcpu, size: 'max' });
    const operations = inBursts(sampleOf(many, seedOf(seed, vcpu)), layout);
    return fitting([...prologue(vcpu), ...operations], epilogue(vcpu));
  });
  const safe = makeSafe(setup, layout, programs, true);
  return { ...safe, operations: countAccesses(safe.programs) };
}

/** Operations among which those for one server are put together. */
const burstWindow = 160;

/**
 * The same operations in another order: a server that gets many requests one after the other waits for them spinning, which
 * is several times as fast as one after the other for servers in turn.
 */
function inBursts(operations: readonly Operation[], { parts }: Layout): Operation[] {
  const serverOf = (operation: Operation): string => {
    const extent = extentsOf(operation).find(({ kind, last }) => kind === 'port' || last >= endOfRam);
    if (extent === undefined) return '';
    const owner = parts.find(
      ({ space, at, size }) => space === extent.kind && at <= extent.last && at + size > extent.first,
    );
    return owner?.server ?? '';
  };
  const ordered: Operation[] = [];
  for (let start = 0; start < operations.length; start += burstWindow) {
    const window = operations
      .slice(start, start + burstWindow)
      .map((operation) => [serverOf(operation), operation] as const);
    const keys = [...new Set(window.map(([server]) => server))].sort();
    // Back and forth, so that the last of one window is the first of the next.
    if ((start / burstWindow) % 2 === 1) keys.reverse();
    for (const key of keys)
      ordered.push(...window.flatMap(([server, operation]) => (server === key ? [operation] : [])));
  }
  return ordered;
}

/** Operations that can make accesses to devices. */
export function countAccesses(programs: readonly Program[]): number {
  const others = new Set<Operation['op']>(['fill', 'write', 'read', 'barrier', 'cpuid', 'rdtsc', 'crash']);
  return programs.reduce((sum, { operations }) => sum + operations.filter(({ op }) => !others.has(op)).length, 0);
}

/** The steps that make a layout. */
export function stepsOfLayout({ servers, parts }: Layout): RecipeStep[] {
  return [
    ...servers.map(({ name, options }): RecipeStep => ({ do: 'server', server: name, options })),
    ...servers.flatMap(({ name }): RecipeStep[] => {
      const own = parts.filter(({ server }) => server === name);
      return own.length === 0 ? [] : [attachOfParts(name, own)];
    }),
  ];
}

/** A run of a layout on a fresh guest. */
export function recipeOf(layout: Layout, programs: readonly Program[]): Recipe {
  const { environment, vcpus } = layout;
  return { environment, vcpus, steps: [...stepsOfLayout(layout), { do: 'run', programs, isSeparate: true }] };
}
