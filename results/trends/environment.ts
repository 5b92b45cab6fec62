import { environmentOf, type Environment } from '../compare/environment.ts';
import type { HostRecord, Run } from '../run-schema.ts';

/** One thing that differs between two environments; undefined where one does not say it. */
export interface EnvironmentChange {
  readonly name: string;
  readonly from: string | undefined;
  readonly to: string | undefined;
}

/** Names of what makes a release: drawn into every picture where it changes. */
const RELEASES = ['Xen', 'Xen changeset', 'Xen build id', 'dom0 kernel'];

/** What differs, in the order of the later environment. */
export function environmentChanges(before: Environment, after: Environment): EnvironmentChange[] {
  if (before === after) return [];
  const names = new Set([...after.keys(), ...before.keys()]);
  return [...names]
    .map((name) => ({ name, from: before.get(name), to: after.get(name) }))
    .filter(({ from, to }) => from !== to);
}

/** `Xen 4.20.5`, `Linux 6.12.12`: a release in few words; undefined if the change is none. */
export function releaseLabel(changes: readonly EnvironmentChange[]): string | undefined {
  const [first] = RELEASES.flatMap((name) => changes.filter((change) => change.name === name));
  if (first === undefined) return undefined;
  const to = first.to ?? 'unknown';
  // A build id is a hash, and says only that it is another build.
  if (first.name === 'Xen build id') return 'Xen rebuilt';
  return first.name === 'dom0 kernel'
    ? `Linux ${to}`
    : first.name === 'Xen changeset'
      ? `Xen ${to.slice(0, 12)}`
      : `Xen ${to}`;
}

/** Gives back one object for all environments that are alike, so that thousands of runs share a few. */
export class Environments {
  readonly #known = new Map<string, Environment>();

  of(host: HostRecord, ioreqlab: Run['ioreqlab']): Environment {
    const environment = environmentOf(host, ioreqlab);
    const key = JSON.stringify([...environment]);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    this.#known.set(key, environment);
    return environment;
  }
}
