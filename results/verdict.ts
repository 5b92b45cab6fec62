/** What became of a scenario on one host, in the order in which reports list them. */
export const VERDICTS = ['pass', 'known', 'skip', 'flaky', 'error', 'fail', 'crash', 'notRun'] as const;

/**
 * - `pass`: as expected
 * - `known`: differs from what is expected, and the difference is explained
 * - `skip`: does not apply here; the reason is recorded
 * - `flaky`: passed only when repeated
 * - `error`: no verdict, because the harness or the lab broke
 * - `fail`: the product does not do what it should
 * - `crash`: the guest, the device model, dom0 or Xen died of it
 * - `notRun`: left undone because its host broke before
 */
export type Verdict = (typeof VERDICTS)[number];

/** How many scenarios ended with each verdict. */
export type Counts = Record<Verdict, number>;

/** `notRun` stands below `error`: what was left undone is worse than a skip, but only a consequence of an error. */
const BY_SEVERITY = ['pass', 'known', 'skip', 'flaky', 'notRun', 'error', 'fail', 'crash'] as const satisfies Verdict[];

/** 0 for `pass`, growing with what is worse. */
export function severityOf(verdict: Verdict): number {
  return BY_SEVERITY.indexOf(verdict);
}

/** The worst of some verdicts; of none at all it is `notRun`, because what reported nothing did not pass. */
export function worst(verdicts: Iterable<Verdict>): Verdict {
  let result: Verdict | undefined;
  for (const verdict of verdicts) {
    if (result === undefined || severityOf(verdict) > severityOf(result)) result = verdict;
  }
  return result ?? 'notRun';
}

/** Counts with a figure for every verdict, also for those that did not occur. */
export function countVerdicts(scenarios: Iterable<{ readonly verdict: Verdict }>): Counts {
  const counts: Counts = { pass: 0, known: 0, skip: 0, flaky: 0, error: 0, fail: 0, crash: 0, notRun: 0 };
  for (const { verdict } of scenarios) counts[verdict] += 1;
  return counts;
}
