import { LabError } from '../../src/errors.ts';

/** `[4, 20, 3]`: a branch, its release. */
type Release = readonly [major: number, minor: number, patch: number];

const compare = (a: Release, b: Release): number => a[0] - b[0] || a[1] - b[1] || a[2] - b[2];

/**
 * The release that a version counts as. `4.20.4-pre`, on the way to 4.20.4, is what 4.20.3 was; `4.23-unstable` precedes
 * 4.23.0; a branch alone (`4.20`) is its newest release.
 */
function releaseOf(version: string): Release | undefined {
  const match = /^(\d+)\.(\d+)(?:\.(\d+))?(-pre|-rc\d*|-unstable)?/.exec(version.trim());
  if (match === null) return undefined;
  const [, major, minor, patch, way] = match;
  const last = patch === undefined ? (way === undefined ? Infinity : 0) : Number(patch);
  return [Number(major), Number(minor), way === undefined ? last : last - 1];
}

type Test = (release: Release) => boolean;

/** A condition such as `<4.18.5` or `4.17`; a bound without its third number is the first release of its branch. */
function conditionOf(text: string): Test | undefined {
  const match = /^(<=|<|>=|>|=)?(\d+)\.(\d+)(?:\.(\d+))?$/.exec(text);
  if (match === null) return undefined;
  const [, sign = '=', major, minor, patch] = match;
  const first: Release = [Number(major), Number(minor), Number(patch ?? 0)];
  const last: Release = patch === undefined ? [first[0], first[1], Infinity] : first;
  switch (sign) {
    case '<':
      return (release) => compare(release, first) < 0;
    case '>=':
      return (release) => compare(release, first) >= 0;
    case '<=':
      return (release) => compare(release, last) <= 0;
    case '>':
      return (release) => compare(release, last) > 0;
    default: {
      // A branch holds what is on the way to its first release, too.
      const start: Release = patch === undefined ? [first[0], first[1], -1] : first;
      return (release) => compare(release, start) >= 0 && compare(release, last) <= 0;
    }
  }
}

/**
 * Whether a version of Xen is in a range: conditions that all hold, alternatives separated by `||`, such as
 * `<4.18.5 || >=4.19 <4.19.2`. `4.17` means the whole branch.
 *
 * @param version as `xl info` has it: `4.17.5`, `4.20.4-pre`
 * @throws LabError `VERSION_RANGE_INVALID`, `XEN_VERSION_UNKNOWN`
 */
export function isInRange(version: string, range: string): boolean {
  const alternatives = range.split('||').map((part) => part.trim().split(/\s+/).map(conditionOf));
  if (alternatives.some((conditions) => conditions.includes(undefined))) {
    throw new LabError(`${JSON.stringify(range)} is no range of versions`, {
      blame: 'scenario',
      code: 'VERSION_RANGE_INVALID',
      next: 'write it like "<4.20", ">=4.14 <4.17.2" or "<4.18.5 || >=4.19 <4.19.2"',
    });
  }
  const release = releaseOf(version);
  if (release === undefined) {
    throw new LabError(`${JSON.stringify(version)} is no version of Xen`, {
      blame: 'host',
      code: 'XEN_VERSION_UNKNOWN',
    });
  }
  return alternatives.some((conditions) => conditions.every((holds) => holds?.(release) === true));
}
