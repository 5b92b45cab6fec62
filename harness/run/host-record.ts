import type { HostRecord, Phase, Problem } from '../../results/index.ts';
import type { HostEnvironment } from '../../src/agent/protocol.ts';
import type { LabError } from '../../src/errors.ts';
import { perturbVariable } from '../scenario/perturb.ts';
import type { LabHost, Machine } from '../host/lab-host.ts';
import { problemOf, verdictOf } from './verdict-of.ts';

/** What is known of a host at some moment of a run. */
export interface HostKnowledge {
  readonly phases: readonly Phase[];
  /** Missing until it has been reached. */
  readonly environment: HostEnvironment | undefined;
  /** Missing until it is up. */
  readonly machine: Pick<Machine, 'guestCpus' | 'facts'> | undefined;
  readonly error: LabError | undefined;
}

/** The record of a host for the run. */
export function hostRecord(lab: LabHost, { phases, environment, machine, error }: HostKnowledge): HostRecord {
  const problem = error === undefined ? undefined : hostProblem(error);
  const crashed = problem === undefined ? undefined : verdictOf(problem).crashed;
  return {
    name: lab.name,
    kind: lab.kind,
    timing: lab.timing,
    phases: [...phases],
    ...(environment === undefined ? {} : describe(environment, machine)),
    ...(problem === undefined ? {} : { error: problem }),
    ...(crashed === 'xen' || crashed === 'dom0' ? { crashed } : {}),
  };
}

/** An error of a host as it is recorded: where in our code it was thrown matters only if it is our mistake. */
export function hostProblem({ blame, code, message, next, evidence, stack }: LabError): Problem {
  return problemOf({ blame, code, message, next, evidence, stack: blame === 'harness' ? stack : undefined });
}

function describe(
  { xen, kernel, os, node, cpu, more }: HostEnvironment,
  machine: HostKnowledge['machine'],
): Pick<HostRecord, 'xen' | 'dom0' | 'env'> {
  const known = (key: string): string | undefined => (xen[key] === '' ? undefined : xen[key]);
  const { commandLine: dom0CommandLine, ...others } = more;
  // Debian's packages have it in their version only, as `git describe` puts it.
  const changeset = known('xen_changeset') ?? /-g([0-9a-f]{7,40})\b/.exec(more['xenBuild'] ?? '')?.[1];
  const buildId = known('build_id');
  const perturbed = process.env[perturbVariable];
  const commandLine = known('xen_commandline');
  return {
    xen: {
      version: known('xen_version') ?? 'unknown',
      ...(changeset === undefined ? {} : { changeset }),
      ...(buildId === undefined ? {} : { buildId }),
      ...(commandLine === undefined ? {} : { commandLine }),
    },
    dom0: { kernel, ...(dom0CommandLine === undefined ? {} : { commandLine: dom0CommandLine }) },
    env: {
      os,
      node,
      cpu,
      scheduler: known('xen_scheduler') ?? 'unknown',
      processors: Number(known('nr_cpus') ?? 0),
      threadsPerCore: Number(known('threads_per_core') ?? 0),
      capabilities: known('virt_caps') ?? '',
      compiler: known('cc_compiler') ?? '',
      ...others,
      ...(perturbed === undefined || perturbed === '' ? {} : { perturbed }),
      ...(machine === undefined ? {} : { guestCpus: machine.guestCpus, ...machine.facts }),
    },
  };
}
