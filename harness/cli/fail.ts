import { EXIT, plainText, type ExitCode } from '../../results/index.ts';
import { isLabError, messageOf } from '../../src/errors.ts';

/** Says on stderr what went wrong and what to do next, and gives the exit code for it. */
export function explain(error: unknown): ExitCode {
  if (!isLabError(error)) {
    const stack = error instanceof Error ? (error.stack ?? error.message) : messageOf(error);
    process.stderr.write(`error: a bug in ioreqlab: ${stack}\n`);
    return EXIT.noVerdict;
  }
  process.stderr.write(`error: ${plainText(error.message)}\n`);
  if (error.evidence !== undefined && error.evidence !== '') {
    const tail = plainText(error.evidence).trimEnd().split('\n').slice(-12);
    process.stderr.write(`${tail.map((line) => `  | ${line}`).join('\n')}\n`);
  }
  if (error.next !== undefined) process.stderr.write(`  next: ${error.next}\n`);
  return error.blame === 'usage' || error.blame === 'scenario' ? EXIT.usage : EXIT.noVerdict;
}
