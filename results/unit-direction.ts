import type { Unit } from './run-schema.ts';

/** Which way a unit gets better: less of what things cost, more of what gets done. Of counts and ratios nobody can tell. */
export function betterOf(unit: Unit): 'less' | 'more' | undefined {
  if (unit === 'count' || unit === 'ratio') return undefined;
  return unit === 'perSecond' ? 'more' : 'less';
}
