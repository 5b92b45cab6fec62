import { factsOf, type XenChangeName, type XenFacts } from '../xen/versions.ts';

/**
 * What differs between versions of Xen in how instructions become requests: `operandCachedWhole`, `elcrOneHandler`,
 * `debugConsoleReads` and `videoMemoryNotCached` of {@link xenChanges}. Everything else is the same from 4.13 on.
 */
export type OracleRules = Pick<
  XenFacts,
  'operandCachedWhole' | 'elcrOneHandler' | 'debugConsoleReads' | 'videoMemoryNotCached'
>;

/** A version as {@link factsOf} takes it: `4.20`, `4.17.5`, `4.20.5-pre`. */
export type OracleVersion = string;

/**
 * The rules of a version.
 *
 * @throws LabError `XEN_MODEL_UNKNOWN`
 */
export function rulesOf(version: OracleVersion): OracleRules {
  return factsOf(version);
}

/** The same rules, which note each change that was asked for and is missing: what they decided, newer versions decide otherwise. */
export function notingMissing(rules: OracleRules, missing: Set<XenChangeName>): OracleRules {
  const noting = {};
  for (const name of Object.keys(rules) as XenChangeName[]) {
    const has = (rules as XenFacts)[name];
    Object.defineProperty(noting, name, {
      get: () => {
        if (!has) missing.add(name);
        return has;
      },
    });
  }
  return noting as OracleRules;
}
