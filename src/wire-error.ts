import { isLabError, LabError, messageOf, type Blame } from './errors.ts';

/** A {@link LabError} between threads, processes and machines. */
export interface WireError {
  readonly blame: Blame;
  readonly code: string;
  readonly message: string;
  /** What to do next. */
  readonly next?: string | undefined;
}

/** An error as it travels. What nobody threw on purpose is the harness's fault, unless a call of libxen failed. */
export function toWire(error: unknown): WireError {
  if (isLabError(error)) {
    const { blame, code, message, next } = error;
    return { blame, code, message, ...(next === undefined ? {} : { next }) };
  }
  if (error instanceof Error && 'call' in error && 'code' in error) {
    return { blame: 'host', code: String(error.code), message: error.message };
  }
  if (error instanceof Error && 'code' in error && error.code === 'XEN_FUNCTION_MISSING') {
    return { blame: 'host', code: error.code, message: error.message };
  }
  return {
    blame: 'harness',
    code: 'INTERNAL',
    message: error instanceof Error ? (error.stack ?? error.message) : messageOf(error),
  };
}

export function fromWire({ message, blame, code, next }: WireError): LabError {
  return new LabError(message, { blame, code, ...(next === undefined ? {} : { next }) });
}
