/**
 * Who has to act on an error. The verdict of a scenario and the exit code of a run follow from it, so that
 * "the lab is broken" and "Xen is broken" never look the same.
 */
export type Blame = 'usage' | 'host' | 'guest' | 'deviceModel' | 'scenario' | 'harness';

const brand = Symbol.for('ioreqlab.error');

/** What {@link LabError} carries besides its message. */
export interface LabErrorOptions {
  /** Who has to act. */
  readonly blame: Blame;
  /** Stable, machine-readable name, such as `HOST_KEY_MISMATCH`. */
  readonly code: string;
  /** What to do or type next; printed below the message. */
  readonly next?: string;
  /** Evidence (console tail, stderr of a command); printed only when asked for. */
  readonly evidence?: string;
  readonly cause?: unknown;
}

/** Every error that ioreqlab throws on purpose. Anything else that reaches the top is a bug of the harness. */
export class LabError extends Error {
  readonly [brand] = true;
  readonly blame: Blame;
  readonly code: string;
  readonly next: string | undefined;
  readonly evidence: string | undefined;

  constructor(message: string, options: LabErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'LabError';
    this.blame = options.blame;
    this.code = options.code;
    this.next = options.next;
    this.evidence = options.evidence;
  }
}

/** True for a {@link LabError}, also one that another copy of this module made (a worker, a bundle). */
export function isLabError(error: unknown): error is LabError {
  return typeof error === 'object' && error !== null && brand in error;
}

/** The text of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
