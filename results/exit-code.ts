import type { Crashed, Ended } from './run-schema.ts';
import { countVerdicts, type Verdict } from './verdict.ts';

/** What `ioreqlab` tells its caller; the table in the README explains each. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  nothingSelected: 3,
  allSkipped: 4,
  noVerdict: 5,
  hostCrashed: 6,
  outOfTime: 124,
  interrupted: 130,
} as const;

/** One of {@link EXIT}. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The part of a run that decides its exit code; a whole run fits. */
export interface Outcome {
  readonly scenarios: readonly { readonly verdict: Verdict; readonly crashed?: Crashed | undefined }[];
  readonly hosts: readonly { readonly error?: unknown; readonly crashed?: Crashed | undefined }[];
  readonly ended?: Ended | undefined;
}

/**
 * The exit code of a run. The first that applies, because each makes those after it meaningless or less urgent:
 * cut short (the verdicts are not all there), the host died, a failure, no verdict, nothing selected, all skipped.
 */
export function exitCodeOf(outcome: Outcome): ExitCode {
  if (outcome.ended === 'interrupted') return EXIT.interrupted;
  if (outcome.ended === 'outOfTime') return EXIT.outOfTime;
  const crashes = [...outcome.scenarios, ...outcome.hosts].map(({ crashed }) => crashed);
  if (crashes.some((crashed) => crashed === 'dom0' || crashed === 'xen')) return EXIT.hostCrashed;
  const counts = countVerdicts(outcome.scenarios);
  if (counts.fail > 0 || counts.crash > 0) return EXIT.failed;
  const hostBroke = outcome.hosts.some(({ error }) => error !== undefined);
  if (counts.error > 0 || counts.notRun > 0 || hostBroke) return EXIT.noVerdict;
  if (outcome.scenarios.length === 0) return EXIT.nothingSelected;
  if (counts.skip === outcome.scenarios.length) return EXIT.allSkipped;
  return EXIT.ok;
}
