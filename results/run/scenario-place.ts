import { fileName, shortened } from './file-name.ts';
import type { Params } from '../run-schema.ts';

/** What names one variant of a scenario on one host. */
export interface ScenarioPlace {
  /** With slashes, such as `port-io/widths`. */
  readonly id: string;
  readonly host: string;
  readonly params?: Params | undefined;
  /** Only where the same variant runs several times on purpose: 1, 2, ... */
  readonly repetition?: number | undefined;
}

/** As shown to people: `environment=pvh vcpus=4`, sorted by name; empty if there are none. */
export function paramsText(params: Params | undefined): string {
  return sortedParams(params)
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(' ');
}

/** The directory of a variant below the run's directory: `scenarios/<id>/<host>[~params]`, with `/`. */
export function placeDirectory({ id, host, params, repetition }: ScenarioPlace): string {
  const variant = sortedParams(params).map(([name, value]) => `${fileName(name)}=${fileName(String(value))}`);
  if (repetition !== undefined) variant.push(`repetition=${repetition}`);
  // Both share one file name, so each gets less than half of what file systems allow.
  const leaf = [fileName(host, 100), ...(variant.length === 0 ? [] : [shortened(variant.join(','), 120)])].join('~');
  return ['scenarios', ...id.split('/').map((segment) => fileName(segment)), leaf].join('/');
}

/** The directory of one attempt, counted from 1. */
export function attemptDirectory(place: ScenarioPlace, attempt: number): string {
  return `${placeDirectory(place)}/attempt-${attempt}`;
}

function sortedParams(params: Params | undefined): [string, string | number | boolean][] {
  return Object.entries(params ?? {}).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}
