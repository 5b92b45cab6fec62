import type { HostRecord, Run } from '../run-schema.ts';
import type { EnvironmentDifference } from './comparison.ts';

/** All that is known of where something was measured, by name. */
export type Environment = ReadonlyMap<string, string>;

/** The environment of a host in a run, our own version included. */
export function environmentOf({ kind, xen, dom0, env = {} }: HostRecord, ioreqlab: Run['ioreqlab']): Environment {
  const entries: [string, string | undefined][] = [
    ['kind', kind],
    ['Xen', xen?.version],
    ['Xen changeset', xen?.changeset],
    ['Xen build id', xen?.buildId],
    ['Xen command line', xen?.commandLine],
    ['dom0 kernel', dom0?.kernel],
    ['dom0 command line', dom0?.commandLine],
    ...Object.entries(env).map(([name, value]): [string, string] => [name, String(value)]),
    ['ioreqlab', ioreqlab === undefined ? undefined : [ioreqlab.version, ioreqlab.commit].filter(Boolean).join(' ')],
  ];
  return new Map(entries.flatMap(([name, value]) => (value === undefined || value === '' ? [] : [[name, value]])));
}

/** The processor, as far as the environment tells; runs on different ones are not compared. */
export function processorOf(environment: Environment): string | undefined {
  return environment.get('cpu') ?? environment.get('cpu.model');
}

/** What is not the same everywhere. */
export function environmentDifferences(a: readonly Environment[], b: readonly Environment[]): EnvironmentDifference[] {
  const names = new Set([...a, ...b].flatMap((environment) => [...environment.keys()]));
  const valuesOf = (side: readonly Environment[], name: string): string[] => [
    ...new Set(side.flatMap((environment) => environment.get(name) ?? [])),
  ];
  return [...names]
    .map((name) => ({ name, a: valuesOf(a, name), b: valuesOf(b, name) }))
    .filter((one) => new Set([...one.a, ...one.b]).size > 1 || (one.a.length === 0) !== (one.b.length === 0));
}
