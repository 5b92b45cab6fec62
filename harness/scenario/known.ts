import type { KnownSeen } from '../../results/index.ts';
import { isLabError, LabError, messageOf } from '../../src/errors.ts';
import { factsOf, xenChanges, type XenChangeName } from '../../src/model/xen/versions.ts';
import { isInRange } from './version-range.ts';

/** A difference from what Xen should do, and what explains it. */
export type KnownDifference =
  | {
      /** The versions of Xen that differ, such as `<4.18.5 || >=4.19 <4.19.2`: branches have got what mends it, too. */
      readonly xen: string;
      /** What is different there, in a sentence. */
      readonly reason: string;
      /** What says so: a commit of xen.git, an advisory (`XSA-463`). */
      readonly source: string;
      /** Code of the LabError by which it shows, such as `GUEST_GONE`; otherwise it shows in expectations that fail. */
      readonly code?: string;
    }
  | {
      /** Versions of Xen without this one of `xenChanges` of `ioreqlab/model`, which has reason and source. */
      readonly before: XenChangeName;
      readonly code?: string;
    }
  | {
      /** What is at fault that is not Xen: the emulated processor. */
      readonly reason: string;
      /** Shows that it is so, here and now, by expectations of its own: such as that the same instruction on RAM goes wrong too. */
      readonly evidence: () => Promise<unknown>;
      readonly code?: string;
    };

/** Whether a scenario's expectation failed, and not the scenario itself, or what it stands on. */
function isExpectation(error: unknown): boolean {
  if (!(error instanceof Error) || isLabError(error)) return false;
  // Vitest's own for what matchers of a project say has no name, but what was expected.
  return error.name === 'AssertionError' || ('actual' in error && 'expected' in error);
}

/** Reason and source of a change that a version does not have. */
export function changeMissing(name: XenChangeName): Omit<KnownSeen, 'seen'> {
  const change: { readonly what: string; readonly commit: string; readonly xsa?: number } = xenChanges[name];
  const advisory = change.xsa === undefined ? '' : `, XSA-${change.xsa}`;
  return { reason: `not yet: ${change.what}`, source: `xen.git ${change.commit}${advisory}` };
}

interface Explanation {
  readonly applies: boolean;
  readonly reason: string;
  readonly source: string;
}

function explanationOf(difference: KnownDifference, version: string): Explanation {
  if ('before' in difference) {
    return { applies: !factsOf(version)[difference.before], ...changeMissing(difference.before) };
  }
  const { reason } = difference;
  if ('evidence' in difference) return { applies: true, reason, source: 'evidence' };
  return { applies: isInRange(version, difference.xen), reason, source: difference.source };
}

/**
 * Makes expectations of which it is known that they fail in some versions of Xen, or where the processor is at fault.
 *
 * @param version the host's Xen
 * @param note is told of a difference that was seen and is explained
 * @throws what `body` throws, where that is not explained; LabError `KNOWN_PASSED` when what is known to fail does not
 */
export async function expectKnown(
  difference: KnownDifference,
  body: () => Promise<unknown>,
  { version, note }: { readonly version: string; readonly note: (seen: KnownSeen) => void },
): Promise<void> {
  const { applies, reason, source } = explanationOf(difference, version);
  const error = await body().then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  if (error === undefined) {
    // Evidence is of no use where nothing went wrong.
    if (!applies || 'evidence' in difference) return;
    throw new LabError(`passed unexpectedly on Xen ${version}: ${reason} (${source})`, {
      blame: 'scenario',
      code: 'KNOWN_PASSED',
      next: 'narrow the versions of the known difference: this one has what mends it, or the expectation says nothing',
    });
  }
  const isExplained = isLabError(error.error)
    ? difference.code !== undefined && error.error.code === difference.code
    : isExpectation(error.error);
  if (!applies || !isExplained) throw error.error;
  if ('evidence' in difference) {
    try {
      await difference.evidence();
    } catch (contrary) {
      if (!isExpectation(contrary)) throw contrary;
      throw new LabError(`${messageOf(error.error)}\n\nnot explained by: ${reason}: ${messageOf(contrary)}`, {
        blame: 'scenario',
        code: 'KNOWN_NOT_SHOWN',
        cause: error.error,
      });
    }
  }
  note({ reason, source, seen: messageOf(error.error) });
}
