import { stripVTControlCharacters } from 'node:util';
import type { Crashed, KnownSeen, Problem, ScenarioRecord, Verdict } from '../../results/index.ts';
import type { Blame } from '../../src/errors.ts';

/** An error of a scenario as Vitest reports it: plain data, with the own properties of what was thrown. */
export interface ReportedError {
  readonly name?: string | undefined;
  readonly message: string;
  readonly stack?: string | undefined;
  readonly diff?: string | undefined;
  readonly blame?: unknown;
  readonly code?: unknown;
  readonly next?: unknown;
  readonly evidence?: unknown;
}

const blames: readonly unknown[] = ['usage', 'host', 'guest', 'deviceModel', 'scenario', 'harness'] satisfies Blame[];

/** Whose death a code stands for. */
const crashes: ReadonlyMap<string, Crashed> = new Map([
  ['GUEST_GONE', 'guest'],
  ['DEVICE_MODEL_GONE', 'deviceModel'],
  ['DOM0_CRASHED', 'dom0'],
  ['XEN_CRASHED', 'xen'],
]);

/** Vitest paints differences for terminals. */
const plain = stripVTControlCharacters;

/** The record of an error. What nobody threw on purpose is the scenario's: an expectation, or a mistake in it. */
export function problemOf(error: ReportedError): Problem {
  const blame = blames.includes(error.blame) ? (error.blame as Blame) : 'scenario';
  const isTimeout = /^Test timed out in/.test(error.message);
  // What went wrong in dom0 says all in its message; where in the harness it was thrown again helps nobody.
  const isFromDom0 = blame === 'host' || blame === 'guest' || blame === 'deviceModel';
  const stack = isFromDom0 ? undefined : error.stack;
  const evidence = [error.diff, typeof error.evidence === 'string' ? error.evidence : undefined, stack]
    .filter((text) => text !== undefined && text !== '')
    .join('\n\n');
  return {
    blame,
    code: typeof error.code === 'string' && error.code !== '' ? error.code : isTimeout ? 'OUT_OF_TIME' : 'EXPECTATION',
    message: plain(error.message) || 'failed without a message',
    ...(typeof error.next === 'string' ? { next: error.next } : {}),
    ...(evidence === '' ? {} : { evidence: plain(evidence) }),
  };
}

/** The verdict that a problem means. */
export function verdictOf(problem: Problem): { verdict: Verdict; crashed?: Crashed } {
  const crashed = crashes.get(problem.code);
  if (crashed !== undefined) return { verdict: 'crash', crashed };
  return {
    verdict: problem.blame === 'host' || problem.blame === 'harness' || problem.blame === 'usage' ? 'error' : 'fail',
  };
}

/**
 * The verdict of what ended without an error.
 *
 * @param earlier errors of the attempts before
 * @param known differences of the last attempt that are explained
 */
export function verdictOfPass(
  earlier: readonly ReportedError[],
  known: readonly KnownSeen[],
): Pick<ScenarioRecord, 'verdict' | 'reason' | 'known' | 'earlierErrors'> {
  const reasons = new Set(known.map(({ reason, source }) => `${reason} (${source})`));
  return {
    verdict: earlier.length > 0 ? 'flaky' : known.length > 0 ? 'known' : 'pass',
    ...(earlier.length === 0 ? {} : { earlierErrors: earlier.map(problemOf) }),
    ...(known.length === 0 ? {} : { reason: [...reasons].join('; '), known: known.map(shown) }),
  };
}

/** Longer than this says nothing more; traces are kept anyway. */
const maxSeen = 4_000;

const shown = ({ reason, source, seen }: KnownSeen): KnownSeen => ({
  reason,
  source,
  seen: plain(seen).slice(0, maxSeen),
});
