import type { Operation } from '../../guests/program/index.ts';
import { isLabError, messageOf } from '../../src/errors.ts';
import type { TraceServer } from '../../src/model/oracle/check-trace.ts';
import { formatComparisons, type Comparison, type RowSubject } from '../../src/model/oracle/describe.ts';
import type { Recipe } from './recipe.ts';
import { describeAccess } from './signature.ts';

/**
 * What is not as the oracle expects it: a {@link RowSubject}, or what ended the run: the guest, its device model or the host
 * is gone (`gone`), nothing went on (`stuck`), or dom0 tells of trouble in a handler (`trouble`).
 */
export type DisagreementKind = RowSubject | 'gone' | 'stuck' | 'trouble';

/** How seen and expected differ. */
export interface Disagreement {
  readonly kind: DisagreementKind;
  /** The same for the same cause, as far as that can be told from outside. */
  readonly signature: string;
  /** Where it shows first, when that is known: the vCPU and the number of its operation. */
  readonly at?: { readonly vcpu: number; readonly operation: number } | undefined;
  readonly expected: readonly string[];
  readonly seen: readonly string[];
  /** For people, on several lines. */
  readonly text: string;
  /** Set when the host died: Xen or dom0. */
  readonly isHostDead?: true;
}

/** Lines of a disagreement that are kept. */
const maxLines = 12;

/** Operations that only prepare and show. */
const isAccess = ({ op }: Operation): boolean => !['fill', 'write', 'read', 'barrier'].includes(op);

/** The operation that a disagreement is about: of memory that is wrong, the last that could have made it so. */
function culprit(operations: readonly Operation[], at: number | undefined): Operation | undefined {
  return operations.slice(0, (at ?? operations.length) + 1).findLast(isAccess);
}

/** The first disagreement of a run, if any. */
export function disagreementOf(
  { programs }: { readonly programs: readonly { readonly operations: readonly Operation[] }[] },
  servers: readonly TraceServer[],
  comparisons: readonly Comparison[],
): Disagreement | undefined {
  const found = comparisons.find(({ rows }) => rows.some(({ isSame }) => !isSame));
  if (found === undefined) return undefined;
  const wrong = found.rows.filter(({ isSame }) => !isSame);
  const [{ subject: kind } = { subject: 'request' as const }] = wrong;
  const { vcpu = 0, operation } = found.at ?? {};
  const operations = programs[vcpu]?.operations ?? [];
  const about = culprit(operations, operation);
  const [first] = wrong;
  const how =
    kind === 'request'
      ? first?.seen === undefined
        ? 'a request is missing'
        : first.expected === undefined
          ? 'a request too many'
          : 'another request'
      : `another ${kind === 'registers' ? 'value in registers' : kind}`;
  return {
    kind,
    signature: `${how}: ${about === undefined ? 'no access' : describeAccess(about, servers)}`,
    at: operation === undefined ? undefined : { vcpu, operation },
    expected: wrong.slice(0, maxLines).map(({ expected = 'nothing' }) => expected),
    seen: wrong.slice(0, maxLines).map(({ seen = 'nothing' }) => seen),
    text: formatComparisons([found]),
  };
}

/** What an error that ended a run says about guest, device model or Xen; undefined when it says nothing of the kind. */
export function disagreementOfError(error: unknown, recipe: Recipe): Disagreement | undefined {
  const isLate = error instanceof Error && error.name === 'TimeoutError';
  const isDead = isLabError(error) && (error.code === 'XEN_CRASHED' || error.code === 'DOM0_CRASHED');
  const isTheirs = isLabError(error) && (error.blame === 'guest' || error.blame === 'deviceModel');
  if (!isLate && !isDead && !isTheirs) return undefined;
  const operations = recipe.steps.flatMap((step) =>
    step.do === 'run' ? step.programs.flatMap((program) => program.operations) : [],
  );
  const about = operations.findLast(isAccess);
  const code = isLate ? 'TIMEOUT' : isLabError(error) ? error.code : '';
  const kind = isLate || code === 'GUEST_LIVELOCK' || code === 'VCPU_BLOCKED' ? 'stuck' : 'gone';
  const seen = isLate ? 'the programs do not come to their end' : messageOf(error);
  return {
    kind: code.startsWith('HANDLER_') || code === 'SERVER_FAILED' ? 'trouble' : kind,
    signature: `${code}: ${about === undefined ? 'no access' : describeAccess(about, rangesOf(recipe))}`,
    expected: ['comes to its end'],
    seen: [seen],
    text: seen,
    ...(isDead ? { isHostDead: true } : {}),
  };
}

/** Where the fuzz device's regions of a recipe are: as much as can be told without the devices. */
function rangesOf({ steps }: Recipe): TraceServer[] {
  return steps.flatMap((step): TraceServer[] => {
    if (step.do !== 'attach') return [];
    const { parts } = step.options as {
      readonly parts?: readonly { readonly space?: string; readonly size?: number }[];
    };
    const ranges = (parts ?? []).map(({ space, size = 1 }, i) => {
      const start = BigInt(step.at[`r${i}`] ?? 0);
      if (space === 'pci') return { kind: 'pci', start, end: start } as const;
      return { kind: space === 'port' ? 'port' : 'memory', start, end: start + BigInt(size) - 1n } as const;
    });
    return [{ name: step.server, ranges }];
  });
}
